import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openingField } from '../call/opening.ts';
import { isUuid } from '../call/uuid.ts';
import { CountersignError, systemCode } from '../errors.ts';
import {
  disclose,
  readAuditorKey,
  unseal,
  type Opening,
  type SealedOpening,
} from '../runtime/log/disclose.ts';
import { withLog } from '../runtime/former/former.ts';
import { homePath } from '../runtime/home/home-layout.ts';
import { openHome } from '../runtime/home/open-home.ts';
import type { Command, Io } from './io.ts';
import { usage } from './report.ts';

const help = `Usage: countersign disclose CALL_ID --field FIELD [--field FIELD…] [--decrypt KEY] [--out FILE] [--home DIR]
       countersign disclose --sealed FILE --decrypt KEY [--out FILE]

Prints what opens single fields of a call, one JSON line each, and nothing else of the call:

  {"callId":"…","field":"/args/path","salt":"…","value":"/srv/a.txt"}

Whoever has the call's envelopes checks it: countersign verify --trust FILE --opening OPENING FILE…
Where policy had the salt kept alone, value is missing: whoever holds the value adds it.

  --field FIELD    an argument (/args/path, a whole one), a field of who called that is committed to (/principal/human/subject),
                   action, params, input or result
  --former ORIGIN  of a call of a log that has ended (countersign log former)
  --decrypt KEY    the private key that policy had the field sealed to: PKCS#8 in PEM, or a JWK
  --sealed FILE    decrypts what another disclose printed of sealed fields; needs no home
  --out FILE       writes to a new file, readable by its owner alone

Without --decrypt a sealed field is printed as it is, {"callId", "field", "sealed"}, for its recipient.
`;

export const discloseCommand: Command = {
  help,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        home: { type: 'string' },
        former: { type: 'string' },
        field: { type: 'string', multiple: true, default: [] },
        decrypt: { type: 'string' },
        sealed: { type: 'string' },
        out: { type: 'string' },
      },
    });
    const find =
      values.sealed === undefined
        ? fromHome(positionals, values, io)
        : fromFile(values.sealed, [positionals, values.field, values.decrypt], io);
    const key =
      values.decrypt === undefined ? undefined : await readAuditorKey(await text(values.decrypt, io));
    const openings: (Opening | SealedOpening)[] = [];
    for (const found of await find()) {
      openings.push(key !== undefined && 'sealed' in found ? await unseal(found, key) : found);
    }
    const lines = openings.map((opening) => `${asciiControls(JSON.stringify(opening))}\n`).join('');
    if (values.out === undefined) io.stdout.write(lines);
    else await writeNew(resolve(io.cwd, values.out), lines);
    for (const opening of openings) note(opening, io);
    return 0;
  },
};

/** The same JSON, in which no character of a call's plaintext can move a terminal's cursor or turn its text around. */
function asciiControls(json: string): string {
  return json.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) =>
    Array.from({ length: char.length }, (_, i) => char.charCodeAt(i))
      .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

type Find = () => Promise<readonly (Opening | SealedOpening)[]>;

interface DiscloseValues {
  readonly field: readonly string[];
  readonly home?: string | undefined;
  readonly former?: string | undefined;
}

function fromHome(
  [callId, ...rest]: readonly string[],
  { field, home, former }: DiscloseValues,
  io: Io,
): Find {
  if (callId === undefined || rest.length > 0)
    throw usage('disclose takes one call id. Try: countersign help disclose');
  if (!isUuid(callId)) throw usage(`“${callId}” is not a call id: it is the UUID that “log tail” prints.`);
  if (field.length === 0)
    throw usage(
      'Say what to disclose: --field /args/path, /principal/human/subject, action, params, input or result.',
    );
  const stranger = field.find((one) => openingField(one) === undefined);
  if (stranger !== undefined)
    throw usage(
      `“${stranger}” is no field: name a whole argument, as in /args/path, a field of who called, as in /principal/human/subject, or action, params, input, result.`,
    );
  const path = homePath(home, io.env, io.cwd);
  return () =>
    withLog(openHome(path), former, async ({ ledger }) => {
      const found: (Opening | SealedOpening)[] = [];
      for (const one of new Set(field)) found.push(await disclose(ledger, callId, one));
      return found;
    });
}

function fromFile(
  file: string,
  [positionals, fields, key]: readonly [readonly string[], readonly string[], string | undefined],
  io: Io,
): Find {
  if (positionals.length > 0 || fields.length > 0)
    throw usage('--sealed FILE says what to open by itself: name no call and no field.');
  if (key === undefined) throw usage('--sealed needs the private key: --decrypt KEY.');
  return async () => {
    const lines = (await text(file, io)).split('\n').filter((line) => line.trim() !== '');
    return lines.map((line) => sealedOpening(line, file));
  };
}

function sealedOpening(line: string, file: string): SealedOpening {
  let opening: Partial<SealedOpening> | null;
  try {
    opening = JSON.parse(line) as Partial<SealedOpening> | null;
  } catch {
    opening = null;
  }
  const { callId, field, sealed } = opening ?? {};
  if (typeof callId === 'string' && typeof field === 'string' && typeof sealed === 'object')
    return { callId, field, sealed };
  throw new CountersignError('CONFIG_INVALID', `${file} holds something else than sealed openings.`);
}

/** What the reader of the file can't see by itself. */
function note(opening: Opening | SealedOpening, { stderr }: Io): void {
  if ('sealed' in opening)
    stderr.write(`${opening.field} is sealed: its recipient opens it with --sealed FILE --decrypt KEY.\n`);
  else if (opening.value === undefined)
    stderr.write(
      `${opening.field} was not kept, only its salt: whoever holds the value adds it as "value".\n`,
    );
}

async function writeNew(path: string, content: string): Promise<void> {
  try {
    await writeFile(path, content, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw usage(`${path} cannot be written (${systemCode(error)}).`);
  }
}

async function text(name: string, io: Io): Promise<string> {
  try {
    return await readFile(resolve(io.cwd, name), 'utf8');
  } catch (error) {
    throw usage(`${name} cannot be read (${systemCode(error)}).`);
  }
}
