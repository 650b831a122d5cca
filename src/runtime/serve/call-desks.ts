import { CountersignError } from '../../errors.ts';
import { createCallDesk, type CallDesk, type CallDeskOptions } from '../../gate/call-desk.ts';

/**
 * The desks of one process. What was decided under a configuration is reported there too, also after another one came into
 * force: a reload must not make what runs unknown.
 */
export interface CallDesks {
  /** The desk of a new configuration. */
  open(options: CallDeskOptions): CallDesk;
  /** Once everything that was decided there is settled. */
  close(desk: CallDesk): void;
}

export function createCallDesks(): CallDesks {
  /** By what was handed out, the desk itself. The oldest first. */
  const desks = new Map<CallDesk, CallDesk>();
  return {
    open(options) {
      const own = createCallDesk(options);
      const desk: CallDesk = {
        ...own,
        // Its own first: only who is let in under the newest rules gets any further.
        report: (...report) =>
          reportAt(
            own,
            [...desks.values()].reverse().filter((other) => other !== own),
            report,
          ),
      };
      desks.set(desk, own);
      return desk;
    },
    close: (desk) => void desks.delete(desk),
  };
}

type Report = Parameters<CallDesk['report']>;

async function reportAt(
  desk: CallDesk,
  [next, ...others]: readonly CallDesk[],
  report: Report,
): ReturnType<CallDesk['report']> {
  try {
    return await desk.report(...report);
  } catch (error) {
    const isUnknown = error instanceof CountersignError && error.code === 'NOT_FOUND';
    if (!isUnknown || !next) throw error;
    return reportAt(next, others, report);
  }
}
