import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseGateAddress } from '../runtime/connect/gate-address.ts';
import { checkApiKeys } from '../runtime/doctor/check-api-keys.ts';
import { checkGateway, checkSocket } from '../runtime/doctor/check-gateway.ts';
import { checkHome } from '../runtime/doctor/check-home.ts';
import { checkHosts } from '../runtime/doctor/check-hosts.ts';
import { checkSystem } from '../runtime/doctor/check-system.ts';
import { checkTools } from '../runtime/doctor/check-tools.ts';
import type { Finding } from '../runtime/doctor/finding.ts';
import { homeLayout, homePath } from '../runtime/home/home-layout.ts';
import type { Command, Io } from './io.ts';
import { palette } from './paint.ts';
import { printable } from './printable.ts';
import { usage } from './report.ts';

const help = `Usage: countersign doctor [OPTION…]

Looks for what goes around a gate, and changes nothing: MCP servers that a host starts without it, files of the home and of a
gateway that others can read or change, API keys that do not count or end soon, a home on a network file system, a Node or
SQLite that is too old, a clock that is behind; and, as notes, what is odd about tools that servers have listed. It reads the
configurations of Claude Desktop, Claude Code, Cursor, VS Code, Codex and Gemini CLI, those of this user and of the project.

  --home DIR      the home (default: $COUNTERSIGN_HOME, else ~/.countersign)
  --project DIR   the project whose host configurations count (default: the current folder)
  --config FILE   a gateway's configuration: it, its policies, its socket and its mode
  --gate ADDRESS  a gate that hosts may call: unix:PATH or a URL; more than once for several
  --json          the findings as JSON

The exit code is 0 when nothing is wrong, and 1 otherwise.

  countersign doctor
`;

export const doctorCommand: Command = {
  help,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        home: { type: 'string' },
        project: { type: 'string' },
        config: { type: 'string' },
        gate: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
      },
    });
    if (positionals.length > 0) throw usage(`doctor takes no “${positionals.join(' ')}”.`);
    const layout = homeLayout(homePath(values.home, io.env, io.cwd));
    const gates = values.gate.map((gate) => parseGateAddress(gate, io.cwd));
    const now = Date.now();
    const found = [
      ...checkSystem({ node: process.versions.node, sqlite: process.versions['sqlite'] }, now),
      ...checkHome(layout, now),
      ...checkApiKeys(layout, now),
      ...(values.config === undefined
        ? []
        : checkGateway({ configFile: resolve(io.cwd, values.config), layout, env: io.env })),
      ...gates.flatMap(({ socketPath }) => (socketPath === undefined ? [] : checkSocket(socketPath))),
      ...checkHosts(
        {
          home: io.env['HOME'] || homedir(),
          project: resolve(io.cwd, values.project ?? '.'),
          platform: process.platform,
          env: io.env,
        },
        gates.flatMap(({ base, socketPath }) => (socketPath === undefined ? [base] : [])),
      ),
      ...(await checkTools(layout)),
    ];
    const isWell = !found.some(({ level }) => level === 'problem');
    io.stdout.write(
      values.json ? `${JSON.stringify({ ok: isWell, findings: found }, null, 2)}\n` : text(found, io),
    );
    return isWell ? 0 : 1;
  },
};

function text(found: readonly Finding[], io: Io): string {
  const { good, bad, dim, bold } = palette(io.stdout, io);
  const mark = { ok: good('ok       '), note: dim('note     '), problem: bad('problem  ') };
  const lines = found.map(
    ({ level, subject, message }) => `${mark[level]}${printable(subject)}: ${printable(message)}`,
  );
  const problems = found.filter(({ level }) => level === 'problem').length;
  const end = problems === 0 ? 'Nothing is wrong.' : `${problems} problem${problems === 1 ? '' : 's'}.`;
  return `${[...lines, bold(end)].join('\n')}\n`;
}
