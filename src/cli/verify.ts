import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CountersignError, systemCode } from '../errors.ts';
import type { Expectation } from '../verify/calls.ts';
import { loadCompromised } from '../verify/last-trusted.ts';
import type { Report } from '../verify/report.ts';
import { loadTrust } from '../verify/trust.ts';
import type { Trust } from '../verify/trust.ts';
import { verifyInputs } from '../verify/verify.ts';
import type { Input, InputOptions } from '../verify/verify.ts';
import type { Command, Io } from './io.ts';
import { report, usage } from './report.ts';
import { formatReport } from './verify-text.ts';
import { witnessOptions } from './verify-witnesses.ts';

const help = `Usage: countersign verify --trust FILE [OPTION…] FILE…
       … | countersign verify --trust FILE [OPTION…] -

Checks envelopes offline: signature, certificate, timestamp, place in the log, the pair of verdict and outcome, and that
they are about the very call and result that they came with. A FILE is a bundle, a whole tool result, a JSON-RPC
response, what “log show” prints, or JSON lines of those; a verdict and its outcome may be in two files.

  --trust FILE      the trust root (trusted_root.json), from its operator: countersign trust
  --identity URI    who must have signed, as an exact SPIFFE URI; without it, any gate of the trust root
  --arguments FILE  the call's arguments as JSON: they must be what was decided on
  --action FILE     the action document (countersign log show CALL_ID --action): opens the statement's subject
  --opening FILE    what a field was (countersign disclose), JSON or JSON lines: it must be what was signed
  --expect WHAT     allow, deny or executed: refuse anything that does not show it
  --compromised FILE  the operator's declaration of keys that somebody else may hold (countersign keys compromised):
                    what they signed counts only as far as its last trusted tree head shows it
  --witness VKEY    whose cosignatures count: a witness's vkey, or a file of them; may be repeated
  --assurance WHAT  the least to accept: self, or witnessed(N) for N of the witnesses named
  --json            the whole report as JSON

Exit code: 0 verified, 1 refused (with a reason code for each failed check), 2 misuse.

Examples:
  countersign verify --trust trusted_root.json result.json
  countersign verify --trust trusted_root.json --expect executed --arguments args.json result.json
  countersign verify --trust trusted_root.json --json - < envelopes.jsonl
`;

export const verifyCommand: Command = {
  help,
  async run(args, io) {
    try {
      return await verify(args, io);
    } catch (error) {
      // Only a check that ran may say "refused": everything that kept it from running is misuse.
      report(error, io);
      return 2;
    }
  },
};

async function verify(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      trust: { type: 'string' },
      identity: { type: 'string' },
      arguments: { type: 'string' },
      action: { type: 'string' },
      opening: { type: 'string', multiple: true },
      expect: { type: 'string' },
      compromised: { type: 'string' },
      witness: { type: 'string', multiple: true },
      assurance: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  if (values.trust === undefined) {
    throw usage(
      'Say whom to trust: --trust FILE, the trusted_root.json that the operator prints with: countersign trust',
    );
  }
  if (positionals.length === 0) throw usage('Name a file to verify, or - for standard input.');

  const trust = await readTrust(values.trust, io);
  const options: InputOptions = {
    ...(values.identity !== undefined && { identity: values.identity }),
    ...(values.arguments !== undefined && { arguments: await read(values.arguments, io) }),
    ...(values.action !== undefined && { action: await read(values.action, io) }),
    ...(values.opening !== undefined && { openings: await readEach(values.opening, io) }),
    ...(values.expect !== undefined && { expect: expectation(values.expect) }),
    ...(values.compromised !== undefined && {
      compromised: loadCompromised(await read(values.compromised, io), trust),
    }),
    ...(await witnessOptions(values, io)),
  };
  const inputs: Input[] = [];
  for (const name of positionals) inputs.push({ name, bytes: await read(name, io) });

  const result = await verifyInputs(inputs, trust, options);
  io.stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : formatReport(result, io));
  return exitCode(result);
}

function exitCode({ ok }: Report): number {
  return ok ? 0 : 1;
}

async function readTrust(name: string, io: Io): Promise<Trust> {
  const bytes = await read(name, io);
  try {
    return await loadTrust(bytes);
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    throw new CountersignError(error.code, `${name}: ${error.message}`, { cause: error });
  }
}

function expectation(text: string): Expectation {
  if (text === 'allow' || text === 'deny' || text === 'executed') return text;
  throw usage(`--expect takes allow, deny or executed, and not “${text}”.`);
}

async function readEach(names: readonly string[], io: Io): Promise<Uint8Array[]> {
  const texts: Uint8Array[] = [];
  for (const name of names) texts.push(await read(name, io));
  return texts;
}

async function read(name: string, io: Io): Promise<Uint8Array> {
  if (name === '-') return readAll(io.stdin);
  try {
    return await readFile(resolve(io.cwd, name));
  } catch (error) {
    const why = systemCode(error);
    throw usage(`${name} cannot be read (${why}).`);
  }
}

async function readAll(stream: Io['stdin']): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
