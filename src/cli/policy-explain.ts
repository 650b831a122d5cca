import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as textOfStream } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { isUuid } from '../call/uuid.ts';
import { systemCode } from '../errors.ts';
import { withLog } from '../runtime/former/former.ts';
import {
  explainCall,
  explainInput,
  type ExplainedCall,
  type Explanation,
} from '../runtime/policy/explain-call.ts';
import { readPolicyFile } from '../runtime/policy/policy-files.ts';
import { homeOf } from './home.ts';
import { homeFlags } from './home-options.ts';
import type { Command, Io } from './io.ts';
import { explanationText } from './policy-explain-text.ts';
import { usage } from './report.ts';

const help = `Usage: countersign policy explain --call CALL_ID [--policy FILE…] [--json] [--home DIR] [--ledger URL]
       countersign policy explain --input FILE|- --policy FILE… [--json]

Says why a call is decided as it is: each rule about its tool, whether it matched, and what every sub-expression of its condition
came to. What the answer did not hang on is in brackets. Nothing is written and nothing is run.

  --call CALL_ID    a call of the log, by its recorded input, which is checked against what was signed
  --former ORIGIN   of a log that has ended (countersign log former)
  --input FILE|-    a call as in the cases of a pack, JSON: {"tool": {"server": "files", "name": "read_file"}, "args": {…}};
                    or what “countersign disclose CALL_ID --field input” printed
  --policy FILE     the policy; may be said several times. Default: the home's
  --json            everything, values uncut

Values of the call are printed: this is for whoever may read the home.

Exit code: 0 explained, 1 there is nothing to explain, 2 misuse.
`;

export const policyExplainCommand: Command = {
  help,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...homeFlags,
        former: { type: 'string' },
        call: { type: 'string' },
        input: { type: 'string' },
        policy: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
      },
    });
    if ((values.call === undefined) === (values.input === undefined))
      throw usage('Say which call: --call CALL_ID, or --input FILE.');
    const explanation =
      values.input === undefined
        ? await explainRecorded(values.call ?? '', values.policy, values, io)
        : await explainWritten(values.input, values.policy, io);
    io.stdout.write(
      values.json ? `${JSON.stringify(explanation, null, 2)}\n` : explanationText(explanation, io),
    );
    return 0;
  },
};

interface Where {
  readonly home?: string | undefined;
  readonly ledger?: string | undefined;
  readonly former?: string | undefined;
}

function explainRecorded(
  callId: string,
  files: readonly string[],
  where: Where,
  io: Io,
): Promise<ExplainedCall> {
  if (!isUuid(callId)) throw usage(`“${callId}” is not a call id: it is the UUID that “log tail” prints.`);
  const home = homeOf(where, io);
  const sources = (files.length > 0 ? files : [home.layout.policy]).map((file) => sourceOf(file, io));
  return withLog(home, where.former, ({ ledger }) => explainCall(ledger, callId, sources));
}

async function explainWritten(file: string, files: readonly string[], io: Io): Promise<Explanation> {
  if (files.length === 0) throw usage('--input needs the policy: --policy FILE.');
  const sources = files.map((one) => sourceOf(one, io));
  if (file === '-') return explainInput('stdin', await textOfStream(io.stdin), sources);
  return explainInput(file, await contentOf(file, io), sources);
}

function sourceOf(file: string, { cwd }: Io): ReturnType<typeof readPolicyFile> {
  return readPolicyFile(resolve(cwd, file), file);
}

async function contentOf(file: string, { cwd }: Io): Promise<string> {
  try {
    return await readFile(resolve(cwd, file), 'utf8');
  } catch (error) {
    throw usage(`${file} cannot be read (${systemCode(error)}).`);
  }
}
