import type { JsonObject } from '../call/json.ts';
import type { AllowCode, ReasonCode } from '../names.ts';
import type { Obligation } from './obligation.ts';
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
  /** What the person asked for: `text`, and whether it came `signed`. Absent when nobody told. */
  readonly request?: JsonObject & { readonly text: string; readonly signed: boolean };
  /** What this delegation did before: see `flow/history.ts`. Absent where no rule reads it. */
  readonly history?: JsonObject;
  /** Where each value of the arguments was seen before: see `flow/seen.ts`. Absent where no rule asks. */
  readonly origins?: JsonObject;
  /** RFC 3339, UTC: a CEL timestamp. */
  readonly now: string;
}

/** What is known of the calls of a principal to a tool before there is one. */
export type KnownInput = Omit<PolicyInput, 'args' | 'now' | 'session' | 'request' | 'history' | 'origins'>;

/** What was decided and why, without what it demands. */
export type Finding =
  | { readonly verdict: 'ALLOW'; readonly code: AllowCode; readonly rule: string; readonly message: string }
  | {
      readonly verdict: 'DENY';
      readonly code: ReasonCode;
      readonly rule?: string;
      readonly message: string;
    };

/** Pure result of one evaluation. */
export type Decision = DecidedFinding & {
  readonly controls: readonly string[];
  /**
   * False when the policy has rules in shadow only: the call runs whatever this says, and its statement is `shadow/v1`. Only
   * policy says so; what the gate itself refuses is always enforced.
   */
  readonly enforced?: false;
  /** What would have been decided if the rules in shadow were enforced too; absent where it would be the same. */
  readonly shadow?: Finding;
};

type DecidedFinding =
  | (Extract<Finding, { verdict: 'ALLOW' }> & { readonly obligations: readonly Obligation[] })
  | Extract<Finding, { verdict: 'DENY' }>;

export interface Tool {
  readonly server: string;
  readonly name: string;
}

/**
 * What the side store may hold of a call: an argument by its JSON pointer (`/path`), or one of the parts that hold all
 * arguments (`action`, `params`, and policy's whole `input`), or the `result`.
 */
export type PlaintextField = `/${string}` | 'action' | 'params' | 'input' | 'result';

/** What an output may be relied on for. */
export interface OutputLabel {
  readonly trusted: boolean;
  readonly sensitive: boolean;
}

/** What a policy says of a tool's outputs. Those that it says nothing of are untrusted and not sensitive. */
export interface ToolLabel extends OutputLabel {
  /** How the texts of an output are read: as JSON where they are, as YAML on demand, else each as one value. */
  readonly format: 'json' | 'yaml' | 'text';
  /** Labels of single fields, by pointer patterns in which `*` stands for one key or index. */
  readonly fields: readonly { readonly path: readonly string[]; readonly label: OutputLabel }[];
}

export interface Policy {
  /** The pack's name; several packs are joined with `+`. */
  readonly id: string;
  /** Hex SHA-256 of the sources, in order. */
  readonly digest: string;
  /** `cel/<version of the engine>`, stated in the verdict. */
  readonly engine: string;
  /** Pure and total: never throws; any error is a DENY that names the rule. */
  decide(input: PolicyInput): Decision;
  /** Roots that a condition of some rule reads, and `origins` or `history` where one of the functions about them is called. */
  readonly reads: ReadonlySet<string>;
  /** Values that the policy itself vouches for. */
  readonly constants: ReadonlySet<string>;
  /** Pure and total. */
  labelOf(tool: Tool): ToolLabel;
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
