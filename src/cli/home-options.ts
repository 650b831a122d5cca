/** What every command that works on a home may be told. */
export const homeFlags = { home: { type: 'string' }, ledger: { type: 'string' } } as const;

export interface HomeOptions {
  /** The home's folder; `$COUNTERSIGN_HOME`, else `~/.countersign`. */
  readonly home?: string | undefined;
  /** Where its ledger is, with its password; `$COUNTERSIGN_LEDGER`, else as the home says. */
  readonly ledger?: string | undefined;
}
