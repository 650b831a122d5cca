const text = { type: 'string' } as const;
const texts = { type: 'string', multiple: true, default: [] as string[] } as const;

/** What `countersign wrap` takes, for `parseArgs`: read by the command itself, and of a host that starts it. */
export const wrapOptions = {
  name: text,
  policy: texts,
  relay: texts,
  config: text,
  server: text,
  home: text,
  ledger: text,
  gate: text,
  identity: text,
  ca: text,
};
