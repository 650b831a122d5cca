import type { Governance } from '../home/governance.ts';
import { createNotices } from './create-notices.ts';
import type { Recipient } from './deliver.ts';
import { noticeSource } from './home-notices.ts';

/** The same home for a gate that tells these what came of calls; what is still to be told at the end is told before the log is left. */
export function withNotices(
  governance: Governance,
  recipients: Readonly<Record<string, Recipient>>,
  stderr: { write(text: string): unknown },
): Governance {
  if (Object.keys(recipients).length === 0) return governance;
  const notices = createNotices({ recipients, source: noticeSource(governance.home), stderr });
  return {
    ...governance,
    gateParts: { ...governance.gateParts, notices },
    async close() {
      await notices.close();
      await governance.close();
    },
  };
}
