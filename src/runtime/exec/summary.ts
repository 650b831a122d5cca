import type { ExecEnd } from './exec-end.ts';
import type { PreparedCommand } from './prepare.ts';

/** What came of a command, for machines. */
export interface ExecSummary {
  readonly callId: string;
  /** `server/tool`, as policy calls it. */
  readonly tool: string;
  /** `NONE` where the gate could not decide. */
  readonly decision: 'ALLOW' | 'DENY' | 'NONE';
  /** What countersign exits with. */
  readonly exitCode: number;
  /** The reason code of whatever was not as it should be, and the sentence for people. */
  readonly code?: string;
  readonly rule?: string;
  readonly message?: string;
  /** What the command did; the signed result. */
  readonly result?: object;
}

export function summaryOf(
  { server, tool }: PreparedCommand,
  { callId, decision, denial, end }: ExecEnd,
  exitCode: number,
): ExecSummary {
  return {
    callId,
    tool: `${server.name}/${tool}`,
    decision: decision ?? 'NONE',
    exitCode,
    ...(denial && {
      code: denial.code,
      ...(denial.rule !== undefined && { rule: denial.rule }),
      message: denial.message,
    }),
    ...(end?.kind === 'ended' && { result: end.result }),
  };
}
