import { CountersignError } from '../errors.ts';
import { fromUtf8 } from './bytes.ts';
import { foldCase } from './case-fold.ts';
import type {
  Ambiguity,
  AmbiguityKind,
  ArrayNode,
  JsonMember,
  JsonNode,
  ObjectNode,
  ParsedJson,
} from './json-node.ts';
import type { JsonObject } from './json.ts';
import { byteOf, JsonTokens } from './json-tokens.ts';

export interface JsonLimits {
  /** Containers inside one another, at most. */
  readonly depth: number;
  /** Values of every kind, at most. */
  readonly nodes: number;
}

export const defaultJsonLimits: JsonLimits = { depth: 128, nodes: 1_000_000 };

/**
 * Parses JSON strictly (RFC 8259, UTF-8 without BOM, nothing after the value) in one pass over its bytes, and keeps
 * where each value stands and what of it another parser could read differently. The bytes are not copied: whoever
 * slices them by a node's offsets relies on nobody changing them.
 *
 * @throws CountersignError `FRAME_INVALID` if it is not JSON, `TOO_LARGE` beyond the limits. The message says where,
 * never what.
 */
export function parseJson(bytes: Uint8Array, limits: JsonLimits = defaultJsonLimits): ParsedJson {
  const text = fromUtf8(bytes);
  if (text === undefined) throw new CountersignError('FRAME_INVALID', 'Not JSON: the bytes are not UTF-8.');
  return new Scanner(bytes, text, limits).parse();
}

type OpenObject = { -readonly [K in keyof ObjectNode]: ObjectNode[K] } & { readonly members: JsonMember[] };
type OpenArray = { -readonly [K in keyof ArrayNode]: ArrayNode[K] } & { readonly elements: JsonNode[] };
type OpenContainer = OpenObject | OpenArray;

/** Without a prototype, `__proto__` is a key like any other. */
function newObject(): JsonObject {
  return Object.create(null) as JsonObject;
}

class Scanner {
  private readonly tokens: JsonTokens;
  private readonly limits: JsonLimits;
  private readonly ambiguities: Ambiguity[] = [];
  private depth = 0;
  private nodes = 0;
  private container: OpenContainer | undefined = undefined;

  constructor(bytes: Uint8Array, text: string, limits: JsonLimits) {
    this.tokens = new JsonTokens(bytes, text);
    this.limits = limits;
  }

  parse(): ParsedJson {
    const root = this.value();
    if (this.tokens.peek() !== undefined) this.tokens.fail('something follows the value');
    return { root, ambiguities: this.ambiguities };
  }

  private value(): JsonNode {
    if (++this.nodes > this.limits.nodes) {
      throw new CountersignError('TOO_LARGE', `JSON with more than ${this.limits.nodes} values.`);
    }
    const { tokens } = this;
    const first = tokens.peek();
    const start = tokens.at;
    switch (first) {
      case byteOf.quote: {
        const value = tokens.string();
        this.noteDoubt(start);
        return { kind: 'string', start, end: tokens.at, value };
      }
      case byteOf.braceOpen:
        return this.object(start);
      case byteOf.bracketOpen:
        return this.array(start);
      case byteOf.lowerT:
        tokens.literal('true');
        return { kind: 'boolean', start, end: tokens.at, value: true };
      case byteOf.lowerF:
        tokens.literal('false');
        return { kind: 'boolean', start, end: tokens.at, value: false };
      case byteOf.lowerN:
        tokens.literal('null');
        return { kind: 'null', start, end: tokens.at, value: null };
      default: {
        const value = tokens.number();
        this.noteDoubt(start);
        return { kind: 'number', start, end: tokens.at, value };
      }
    }
  }

  private object(start: number): ObjectNode {
    const node: OpenObject = { kind: 'object', start, end: 0, value: newObject(), members: [] };
    const outer = this.enter(node);
    let folding = false;
    if (!this.closes(byteOf.braceClose)) {
      do {
        const member = this.member(node);
        folding ||= this.tokens.mayFold(member.keyStart);
        node.value[member.key] = member.node.value;
        node.members.push(member);
      } while (this.continues(byteOf.braceClose));
    }
    // Where each key is its own folding, only equal keys are twins.
    if (folding) this.noteCaseTwins(node.members);
    this.leave(node, outer);
    return node;
  }

  private member(object: OpenObject): JsonMember {
    const { tokens } = this;
    if (tokens.peek() !== byteOf.quote) tokens.fail('a key was expected');
    const keyStart = tokens.at;
    const key = tokens.string();
    this.noteDoubt(keyStart);
    if (key in object.value) this.note('duplicate-key', keyStart, key);
    if (tokens.peek() !== byteOf.colon) tokens.fail('a colon was expected');
    tokens.at++;
    return { key, keyStart, node: this.value() };
  }

  private array(start: number): ArrayNode {
    const node: OpenArray = { kind: 'array', start, end: 0, value: [], elements: [] };
    const outer = this.enter(node);
    if (!this.closes(byteOf.bracketClose)) {
      do {
        const element = this.value();
        node.value.push(element.value);
        node.elements.push(element);
      } while (this.continues(byteOf.bracketClose));
    }
    this.leave(node, outer);
    return node;
  }

  private enter(node: OpenContainer): OpenContainer | undefined {
    if (++this.depth > this.limits.depth) {
      throw new CountersignError('TOO_LARGE', `JSON nested more than ${this.limits.depth} deep.`);
    }
    const outer = this.container;
    this.container = node;
    this.tokens.at++;
    return outer;
  }

  private leave(node: OpenContainer, outer: OpenContainer | undefined): void {
    node.end = this.tokens.at;
    this.container = outer;
    this.depth--;
  }

  /** Steps over the closing bracket of an empty container. */
  private closes(close: number): boolean {
    if (this.tokens.peek() !== close) return false;
    this.tokens.at++;
    return true;
  }

  /** Steps over a comma, which another item must follow, or over the closing bracket. */
  private continues(close: number): boolean {
    const byte = this.tokens.peek();
    if (byte !== byteOf.comma && byte !== close)
      this.tokens.fail('a comma or the closing bracket was expected');
    this.tokens.at++;
    return byte === byteOf.comma;
  }

  private noteCaseTwins(members: readonly JsonMember[]): void {
    const seen = new Map<string, string>();
    for (const { key, keyStart } of members) {
      const folded = foldCase(key);
      const earlier = seen.get(folded);
      if (earlier === undefined) seen.set(folded, key);
      else if (earlier !== key) this.note('case-twin', keyStart, key);
    }
  }

  /** Notes what is doubtful of the token that was just read. */
  private noteDoubt(offset: number): void {
    if (this.tokens.doubt !== undefined) this.note(this.tokens.doubt, offset);
  }

  private note(kind: AmbiguityKind, offset: number, key?: string): void {
    this.ambiguities.push({
      kind,
      offset,
      ...(this.container && { container: this.container }),
      ...(key !== undefined && { key }),
    });
  }
}
