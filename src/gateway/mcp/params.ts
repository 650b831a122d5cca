import { foldCase } from '../../call/case-fold.ts';
import type { JsonNode, ObjectNode, ParsedJson } from '../../call/json-node.ts';
import { ambiguityWithin, memberOf } from '../../call/json-node.ts';
import type { Json, JsonObject } from '../../call/json.ts';
import { CountersignError } from '../../errors.ts';
import type { CallMethod } from './methods.ts';

/** What a call is known as to policy. */
export interface CallShape {
  /** `write_file`, or what stands for a method that is no tool: `resources:read`, `prompts:get`, `completion:complete`. */
  readonly tool: string;
  readonly arguments: JsonObject;
}

/** How a call's params are to be treated: as a call, as a chore after all, or not at all. */
export type ParamsReading =
  | { readonly kind: 'call'; readonly shape: CallShape }
  | { readonly kind: 'relay' }
  | { readonly kind: 'refused'; readonly error: CountersignError };

/** Members of `params` that some revision or extension gives a meaning. */
const meaningful: ReadonlySet<string> = new Set([
  'name',
  'arguments',
  'uri',
  'ref',
  'argument',
  'context',
  'notifications',
  'task',
  '_meta',
  'inputResponses',
  'requestState',
]);
const meaningfulFolded: ReadonlySet<string> = new Set([...meaningful].map(foldCase));

/** Names that stand for methods. A tool that a server calls so would get what policy allows the method. */
const standIns: ReadonlySet<string> = new Set(['resources:read', 'prompts:get', 'completion:complete']);

/**
 * What a call asks for. `ARGUMENTS_AMBIGUOUS` if anything in `params` could be read differently by the server, also a
 * lone `Arguments`, which we would not see and a decoder that folds case would; `FRAME_INVALID` if the params are not
 * what the method takes.
 */
export function readParams(
  method: CallMethod,
  params: JsonNode | undefined,
  parsed: ParsedJson,
): ParamsReading {
  if (params?.kind !== 'object') return refused('FRAME_INVALID', `${method} needs params.`);
  const ambiguity = ambiguityWithin(parsed, params);
  if (ambiguity !== undefined) {
    return refused(
      'ARGUMENTS_AMBIGUOUS',
      `Two parsers could read the params differently: ${ambiguity.kind}.`,
    );
  }
  if (params.members.some(({ key }) => !meaningful.has(key) && meaningfulFolded.has(foldCase(key)))) {
    return refused('ARGUMENTS_AMBIGUOUS', 'A member of the params is written in another case.');
  }
  return readers[method](params);
}

const readers: Readonly<Record<CallMethod, (params: ObjectNode) => ParamsReading>> = {
  'tools/call': (params) => {
    const name = memberOf(params, 'name')?.value;
    const given = argumentsOf(params);
    if (typeof name !== 'string' || name === '' || given === undefined) {
      return refused('FRAME_INVALID', 'tools/call needs a name, and arguments that are an object.');
    }
    if (standIns.has(name)) return refused('TOOL_UNKNOWN', 'The name of this tool stands for a method.');
    return call(name, given);
  },
  'resources/read': readUri,
  'resources/directory/read': readUri,
  'resources/subscribe': readUri,
  'prompts/get': (params) => {
    const name = memberOf(params, 'name')?.value;
    const given = argumentsOf(params);
    if (typeof name !== 'string' || given === undefined) {
      return refused('FRAME_INVALID', 'prompts/get needs a name, and arguments that are an object.');
    }
    return call('prompts:get', members({ name, arguments: given }));
  },
  'completion/complete': (params) => {
    const ref = memberOf(params, 'ref');
    const argument = memberOf(params, 'argument');
    const context = memberOf(params, 'context');
    if (ref?.kind !== 'object' || argument?.kind !== 'object') {
      return refused('FRAME_INVALID', 'completion/complete needs a ref and an argument.');
    }
    return call(
      'completion:complete',
      members({ ref: ref.value, argument: argument.value, ...(context && { context: context.value }) }),
    );
  },
  'subscriptions/listen': readFilter,
};

/** Being told of a resource's changes counts as reading it. */
function readUri(params: ObjectNode): ParamsReading {
  const uri = memberOf(params, 'uri')?.value;
  if (typeof uri !== 'string') return refused('FRAME_INVALID', 'The method needs a uri.');
  return call('resources:read', members({ uri }));
}

/** A listener that names resources subscribes to them all at once; one that only waits for changed lists is a chore. */
function readFilter(params: ObjectNode): ParamsReading {
  const filter = memberOf(params, 'notifications');
  if (filter?.kind !== 'object') return refused('FRAME_INVALID', 'subscriptions/listen needs a filter.');
  if (filter.members.some(({ key }) => key !== subscribed && foldCase(key) === foldCase(subscribed))) {
    return refused('ARGUMENTS_AMBIGUOUS', 'A member of the filter is written in another case.');
  }
  const uris = memberOf(filter, subscribed);
  if (uris === undefined) return { kind: 'relay' };
  if (uris.kind !== 'array' || !uris.value.every((uri) => typeof uri === 'string')) {
    return refused('FRAME_INVALID', 'The subscriptions of a filter are not a list of URIs.');
  }
  return uris.value.length === 0 ? { kind: 'relay' } : call('resources:read', members({ uris: uris.value }));
}

const subscribed = 'resourceSubscriptions';

/** The `arguments`; none at all, or null, are no arguments. Undefined if they are something else. */
function argumentsOf(params: ObjectNode): JsonObject | undefined {
  const node = memberOf(params, 'arguments');
  if (node === undefined || node.kind === 'null') return members({});
  return node.kind === 'object' ? node.value : undefined;
}

function members(of: Readonly<Record<string, Json>>): JsonObject {
  return Object.assign(Object.create(null) as JsonObject, of);
}

function call(tool: string, given: JsonObject): ParamsReading {
  return { kind: 'call', shape: { tool, arguments: given } };
}

function refused(
  code: 'FRAME_INVALID' | 'ARGUMENTS_AMBIGUOUS' | 'TOOL_UNKNOWN',
  message: string,
): ParamsReading {
  return { kind: 'refused', error: new CountersignError(code, message) };
}
