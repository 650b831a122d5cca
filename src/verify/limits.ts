/**
 * Caps that hold before anything is parsed or computed, so that an input can't buy work. Envelopes seen are 5.5–8 KB.
 */
export const limits = {
  /** Bytes of one bundle. */
  bundle: 1024 * 1024,
  /** Bytes of one tool result or JSON-RPC response with its envelopes, or of one JSON line. */
  result: 32 * 1024 * 1024,
  /** Bytes of a trust root. */
  trustRoot: 1024 * 1024,
  /** Nesting of a bundle, a statement, a trust root. */
  depth: 128,
  /** JSON values in a bundle, a statement or a trust root. */
  nodes: 200_000,
  /** Nesting of a tool result, whose content is the tool’s own. */
  resultDepth: 128,
  /** JSON values in it. */
  resultNodes: 1_000_000,
  /** Certificates of one chain in the trust root. */
  chain: 8,
  /** Bytes of one certificate. */
  certificate: 8 * 1024,
  /** Bytes of one RFC 3161 token. */
  timestamp: 16 * 1024,
  /** Hashes of one inclusion proof: a tree has fewer than 2^64 leaves. */
  hashes: 64,
  /** Bytes of one checkpoint with its cosignatures. */
  checkpoint: 16 * 1024,
  /** SCTs in one certificate. */
  scts: 4,
} as const;

/** How far two clocks of one trust system may be apart: milliseconds. */
export const clockTolerance = 60_000;
