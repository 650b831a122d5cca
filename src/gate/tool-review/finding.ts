/** What may be found about a tool's definition or a server's name. Stable: programs tell findings apart by these. */
export const findingKinds = [
  // names
  'look-alike',
  'near-name',
  'same-name',
  'names-other-tool',
  // characters and form
  'invisible-characters',
  'bidi-controls',
  'terminal-escapes',
  'out-of-sight',
  'html-comment',
  'pseudo-tag',
  'encoded-blob',
  // sentences
  'overrides-instructions',
  'hides-from-person',
  'asks-for-secrets',
  'secret-file',
  'steers-other-tools',
  'addresses-model',
  // the definition as a whole
  'unreadable',
] as const;

export type FindingKind = (typeof findingKinds)[number];

/** A server, or one of its tools. */
export interface Named {
  readonly server: string;
  readonly tool?: string;
}

/**
 * Something about a tool that a person should look at before accepting it. It allows nothing and denies nothing: whoever writes
 * definitions can also write around what is looked for.
 */
export interface ToolFinding {
  readonly kind: FindingKind;
  readonly server: string;
  /** Absent when it is about the server's own name. */
  readonly tool?: string;
  /** JSON pointer into the definition; empty for the whole, and for names. */
  readonly where: string;
  /** A sentence: what is so. */
  readonly message: string;
  /** The text that it is about, at most 80 characters, what is invisible in it written out. */
  readonly excerpt?: string;
  /** Whose names it is about. */
  readonly others?: readonly Named[];
}

/** What one text was found to hold; who it belongs to is added by who asked. */
export interface TextFinding {
  readonly kind: FindingKind;
  readonly message: string;
  readonly excerpt: string;
}

/** A server as far as it is reviewed: its tools as it lists them. */
export interface ReviewedServer {
  readonly name: string;
  readonly tools: readonly {
    readonly name: string;
    /** The definition's JSON, as bytes. */
    readonly definition: Uint8Array;
  }[];
}
