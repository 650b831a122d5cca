import type { JsonObject } from '../call/json.ts';
import type { AllowCode, ReasonCode } from '../names.ts';
import type { Treatment } from './treatment.ts';

/**
 * What a policy decides on. Absent roots are absent, not null: a condition that reads one is an error, and so a DENY.
 * Only verified attributes may be put here.
 */
export interface PolicyInput {
  readonly agent: JsonObject;
  readonly human?: JsonObject;
  readonly device?: JsonObject;
  readonly network?: JsonObject;
  readonly session: JsonObject;
  /** `server`, `name`, `accepted`, `listed`; `annotations` only when accepted. */
  readonly tool: JsonObject & { readonly server: string; readonly name: string };
  readonly args: JsonObject;
  /** RFC 3339, UTC: a CEL timestamp. */
  readonly now: string;
}

export interface Obligation {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** What is known of the calls of a principal to a tool before there is one. */
export type KnownInput = Omit<PolicyInput, 'args' | 'now' | 'session'>;

/** Pure result of one evaluation. */
export type Decision =
  | {
      readonly verdict: 'ALLOW';
      readonly code: AllowCode;
      readonly rule: string;
      readonly message: string;
      readonly obligations: readonly Obligation[];
      readonly controls: readonly string[];
    }
  | {
      readonly verdict: 'DENY';
      readonly code: ReasonCode;
      readonly rule?: string;
      readonly message: string;
      readonly controls: readonly string[];
    };

export interface Tool {
  readonly server: string;
  readonly name: string;
}

/**
 * What the side store may hold of a call: an argument by its JSON pointer (`/path`), or one of the parts that hold all
 * arguments (`action`, `params`, and policy's whole `input`), or the `result`.
 */
export type PlaintextField = `/${string}` | 'action' | 'params' | 'input' | 'result';

export interface Policy {
  /** The pack's name; several packs are joined with `+`. */
  readonly id: string;
  /** Hex SHA-256 of the sources, in order. */
  readonly digest: string;
  /** `cel/<version of the engine>`, stated in the verdict. */
  readonly engine: string;
  /** Pure and total: never throws; any error is a DENY that names the rule. */
  decide(input: PolicyInput): Decision;
  /**
   * Whether a call to this tool could ever be allowed; absent where that is not told. See `visibility.ts`. Pure and total.
   */
  readonly couldAllow?: (known: KnownInput) => boolean;
  /**
   * What becomes of one field of a call to this tool. Pure and total. Of a part that holds all arguments this is what is said
   * of the part itself: its arguments' treatments bind it too.
   */
  plaintextOf(tool: Tool, field: PlaintextField): Treatment;
}

export interface PolicySource {
  /** File name or another name for messages. */
  readonly name: string;
  readonly text: string;
}
