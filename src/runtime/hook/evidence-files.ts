import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { evidenceOf, evidenceOfDenial } from '../../client/evidence-of.ts';
import type { GateDecision, OutcomeReport } from '../../client/gate-client.ts';
import { toldBy } from '../../client/request-bytes.ts';
import { systemCode } from '../../errors.ts';
import type { CallEnvelopes } from '../../gate/gate.ts';

/** What is kept of each call for `countersign verify`: out of the model's sight. Each returns what went wrong, as a sentence. */
export interface EvidenceFiles {
  denied(decided: Extract<GateDecision, { decision: 'DENY' }>): string | undefined;
  settled(callId: string, report: OutcomeReport, envelopes: CallEnvelopes): string | undefined;
}

/** Files `CALL_ID.json` in `folder`, for this user alone; none without a folder. */
export function evidenceFilesIn(folder: string | undefined): EvidenceFiles {
  const keep = (callId: string, text: string | undefined): string | undefined => {
    if (folder === undefined || text === undefined) return undefined;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(join(folder, `${callId}.json`), text, { mode: 0o600 });
      return undefined;
    } catch (error) {
      // The log has them all the same: no reason to hold anything up.
      const code = systemCode(error);
      return `The envelopes of call ${callId} could not be kept in ${folder} (${code}).`;
    }
  };
  return {
    denied: ({ callId, denial, envelopes }) => keep(callId, evidenceOfDenial(callId, denial, envelopes)),
    settled: (callId, report, envelopes) => keep(callId, evidenceOf(callId, toldBy(report), envelopes)),
  };
}
