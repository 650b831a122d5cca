import { parseArgs } from 'node:util';
import { homePath } from '../runtime/home/home-layout.ts';
import { logIn } from '../runtime/login/log-in.ts';
import { loginPath, readLogin, type Login } from '../runtime/login/login-file.ts';
import { requireLoginPlace } from '../runtime/login/login-place.ts';
import type { DevicePrompt } from '../runtime/login/device-login.ts';
import type { Command, Io } from './io.ts';
import { palette } from './paint.ts';
import { printable } from './printable.ts';
import { usage } from './report.ts';

const help = `Usage: countersign login [--issuer ISSUER] [--home DIR] [--json]
       countersign login status [--home DIR] [--json]

Logs a person in at the issuer of the section “login” in the home’s countersign.yaml, through a page in any browser: on another
machine, too. Servers that are wrapped then act for that person. The tokens are kept in the home’s login.json, for this
user alone, and renewed before they end.

status  says who is logged in, where, and until when; exit code 1 when nobody is

  --issuer ISSUER  refuse when the configuration is about another one
  --home DIR       the home (default: $COUNTERSIGN_HOME, else ~/.countersign)
  --json           say what came of it as JSON; what to do is on stderr

The end of it: countersign logout
`;

export const loginCommand: Command = {
  help,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        issuer: { type: 'string' },
        home: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const root = homePath(values.home, io.env, io.cwd);
    const [verb, ...rest] = positionals;
    if (rest.length > 0 || !['status', undefined].includes(verb))
      throw usage('Say: countersign login, or countersign login status.');
    if (verb === 'status') return status(root, values.json, io);

    const place = await requireLoginPlace(root, io.env, values.issuer);
    const login = await logIn(loginPath(root), place, {
      prompt: (asked) => io.stderr.write(instructions(asked, io)),
      waiting: () => io.stderr.isTTY && io.stderr.write('.'),
    });
    if (io.stderr.isTTY) io.stderr.write('\n');
    tell(login, values.json, io);
    return 0;
  },
};

function instructions({ uri, uriComplete, userCode, expiresIn }: DevicePrompt, io: Io): string {
  const { bold } = palette(io.stderr, io);
  const lines = [
    `Open ${bold(printable(uri))} in a browser and enter the code ${bold(printable(userCode))}`,
    ...(uriComplete === undefined ? [] : [`or open ${printable(uriComplete)}`]),
    `Waiting for that, ${Math.ceil(expiresIn / 60)} minutes at most …`,
  ];
  return `${lines.join('\n')}\n`;
}

function status(root: string, json: boolean, io: Io): number {
  const login = readLogin(loginPath(root));
  if (login?.tokens === undefined) {
    const what =
      login === undefined ? 'Nobody is logged in.' : 'The login has ended: the issuer took it back.';
    io.stdout.write(json ? `${JSON.stringify({ loggedIn: false })}\n` : `${what} countersign login\n`);
    return 1;
  }
  tell(login, json, io);
  return isOver(login) ? 1 : 0;
}

function isOver({ tokens }: Login): boolean {
  return tokens === undefined || (tokens.refresh === undefined && tokens.expiresAt <= Date.now());
}

/** Everything but the tokens. */
function tell(login: Login, json: boolean, io: Io): void {
  const { issuer, clientId, subject, resource, since, tokens } = login;
  const isRenewed = tokens?.refresh !== undefined;
  const expiresAt = new Date(tokens?.expiresAt ?? since).toISOString();
  if (json) {
    const told = { issuer, clientId, subject, resource, since: new Date(since).toISOString() };
    io.stdout.write(`${JSON.stringify({ loggedIn: !isOver(login), ...told, expiresAt, isRenewed })}\n`);
    return;
  }
  const who = subject === undefined ? '' : ` as ${printable(subject)}`;
  const until = isRenewed ? 'its tokens are renewed before they end' : `until ${expiresAt}`;
  io.stdout.write(
    isOver(login)
      ? `The login at ${printable(issuer)} ended at ${expiresAt}. countersign login\n`
      : `Logged in at ${printable(issuer)}${who}; ${until}.\n`,
  );
}
