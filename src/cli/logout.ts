import { parseArgs } from 'node:util';
import { homePath } from '../runtime/home/home-layout.ts';
import { loginPath } from '../runtime/login/login-file.ts';
import { readLoginPlace } from '../runtime/login/login-place.ts';
import { logout, type Revoked } from '../runtime/login/logout.ts';
import type { Command } from './io.ts';

const help = `Usage: countersign logout [--home DIR] [--json]

Ends a login: its tokens are deleted here, and revoked at their issuer where it lets itself be told (RFC 7009). Exit code 0 also
when nobody was logged in.
`;

export const logoutCommand: Command = {
  help,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: { home: { type: 'string' }, json: { type: 'boolean', default: false } },
    });
    const root = homePath(values.home, io.env, io.cwd);
    // A configuration that has become wrong must keep nobody logged in.
    const place = await readLoginPlace(root, io.env).catch(() => undefined);
    const revoked = await logout(loginPath(root), ({ issuer, clientId }) =>
      place?.config.issuer === issuer && place.config.clientId === clientId ? place : undefined,
    );
    io.stdout.write(
      values.json
        ? `${JSON.stringify({ wasLoggedIn: revoked !== undefined, revoked: revoked === 'revoked' })}\n`
        : `${revoked === undefined ? 'Nobody was logged in.' : sentences[revoked]}\n`,
    );
    return 0;
  },
};

const sentences: Readonly<Record<Revoked, string>> = {
  revoked: 'Logged out, and the issuer has revoked the tokens.',
  none: 'Logged out.',
  'not-offered': 'Logged out here. The issuer offers no revocation: its tokens count until they end.',
  failed: 'Logged out here. The issuer could not be told: its tokens count until they end.',
};
