import { CountersignError } from '../errors.ts';
import type { RunResult } from './gate-client.ts';
import { toldToModel } from './told.ts';

type Refused = Extract<RunResult<unknown>, { kind: 'denied' | 'unsettled' }>;

/**
 * Why a governed function gives no result: it was denied and nothing ran, or it ran and that could not be recorded, and then it must
 * not be repeated. The message is one that a model may read.
 */
export class CallRefusedError extends CountersignError {
  readonly ended: Refused;

  constructor(ended: Refused) {
    super(ended.denial.code, toldToModel(ended.denial));
    this.name = 'CallRefusedError';
    this.ended = ended;
  }
}

/** The result of a call, for whoever wants nothing but that. Throws CallRefusedError, or what its execution threw. */
export function resultOf<T>(ended: RunResult<T>): T {
  switch (ended.kind) {
    case 'done':
      return ended.result;
    case 'failed':
      throw ended.error;
    case 'denied':
    case 'unsettled':
      throw new CallRefusedError(ended);
  }
}
