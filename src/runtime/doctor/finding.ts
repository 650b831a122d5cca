/** One thing that was looked at. */
export interface Finding {
  /** `problem`: what the gate is for is not so here. `note`: worth knowing, and no fault. */
  readonly level: 'ok' | 'note' | 'problem';
  readonly about: 'system' | 'home' | 'gateway' | 'hosts' | 'tools';
  /** What was looked at: a path, a server's name. Never anything of a file's content but names. */
  readonly subject: string;
  /** A sentence: what is so, and what to do about it. */
  readonly message: string;
}

/** Findings of one kind are made alike. */
export function findings(about: Finding['about']) {
  const of =
    (level: Finding['level']) =>
    (subject: string, message: string): Finding => ({ level, about, subject, message });
  return { ok: of('ok'), note: of('note'), problem: of('problem') };
}
