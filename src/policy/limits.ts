/** What a policy may cost. Beyond a load-time limit a source is POLICY_INVALID; beyond the budget a rule is an error. */
export const limits = {
  /** UTF-16 units of one source, and of all sources of one policy. */
  sourceLength: 1_048_576,
  totalLength: 8_388_608,
  /** Rules of all sources together. */
  rules: 20_000,
  /** Rules on plaintext of all sources together: a call's tool is matched against each. */
  plaintextRules: 256,
  fieldsPerRule: 256,
  patternsPerRule: 256,
  controlsPerRule: 64,
  obligationsPerRule: 16,
  /** Labels of all sources together, and values that a policy vouches for. */
  labels: 1_024,
  constants: 4_096,
  reasonLength: 500,
  nameLength: 64,
  /** UTF-16 units of one condition. */
  conditionLength: 4_096,
  /** Brackets open at once: counted before parsing, since the parser recurses on them. */
  conditionBrackets: 48,
  /** Depth and number of nodes of a condition's syntax tree, macros expanded. */
  conditionDepth: 128,
  conditionNodes: 2_048,
  /** Steps of one decision: see `cel/meter.ts`. */
  decisionSteps: 100_000,
  /** Tools whose candidate rules are remembered. The caller chooses tool names, so the memory is bounded. */
  cachedTools: 1_024,
  cachedRules: 100_000,
  cachedToolLength: 256,
} as const;
