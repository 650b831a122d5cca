import { memberOf } from '../call/json-node.ts';
import { parseJson } from '../call/json-scan.ts';
import { CountersignError } from '../errors.ts';
import { executed, failed, notExecuted, notKnown, type Reported } from './reported.ts';

/** What a caller sends to settle its call: `{handle, outcome, result?, error?}`. */
export interface CallerReport {
  readonly handle: string;
  readonly said: Reported;
}

const members: ReadonlySet<string> = new Set(['handle', 'outcome', 'result', 'error']);

/** A result or error is committed to byte for byte as it stands in the report. FRAME_INVALID, ARGUMENTS_AMBIGUOUS. */
export function readCallerReport(bytes: Uint8Array): CallerReport {
  const { root, ambiguities } = parseJson(bytes);
  if (root.kind !== 'object') throw wrong('A report is one JSON object.');
  // Names that look alike may be any tool's; a name that stands twice is no result, but two.
  const twice = ambiguities.some(
    ({ kind, container }) => kind === 'duplicate-key' || (kind === 'case-twin' && container === root),
  );
  if (twice) {
    throw new CountersignError(
      'ARGUMENTS_AMBIGUOUS',
      'A key stands twice: two parsers could read two reports.',
    );
  }
  const stranger = Object.keys(root.value).find((name) => !members.has(name));
  if (stranger !== undefined) throw wrong('A report has a handle, an outcome, a result or an error.');
  const { handle, outcome } = root.value;
  if (typeof handle !== 'string' || handle === '')
    throw wrong('handle is the one that the call was answered with.');
  const answer = (name: 'result' | 'error'): Reported['answer'] => {
    const node = memberOf(root, name);
    return node && { bytes: bytes.slice(node.start, node.end), value: node.value };
  };
  const result = answer('result');
  const error = answer('error');
  if (result && outcome !== 'executed') throw wrong('Only what was executed has a result.');
  if (error && outcome !== 'failed') throw wrong('Only what failed has an error.');
  switch (outcome) {
    case 'executed':
      return { handle, said: executed(result) };
    case 'failed':
      return { handle, said: failed(error) };
    case 'aborted':
      return { handle, said: notExecuted };
    case 'unknown':
      return { handle, said: notKnown };
    default:
      throw wrong('outcome is executed, failed, aborted or unknown.');
  }
}

function wrong(message: string): CountersignError {
  return new CountersignError('FRAME_INVALID', message);
}
