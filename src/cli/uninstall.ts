import { parseArgs } from 'node:util';
import { planUninstall } from '../runtime/hosts/uninstall.ts';
import { hostFlags, hostWords } from './host-options.ts';
import { carryOut } from './host-report.ts';
import type { Command } from './io.ts';

const help = `Usage: countersign uninstall HOST NAME…|--all [--dry-run] [--user|--project DIR] [--json]

Takes “countersign wrap” away from MCP servers of HOST: the command behind it is started by the host again, past every gate. The
API key is taken from the entry. HOST, --user and --project are as with countersign install.

  --all              every server that is wrapped
  --dry-run          only show it
  --user             only the files of this user
  --project DIR      only what belongs to this project
  --json             what was done as JSON

The exit code is 0 when none of them is wrapped then, 1 when one was refused, and 2 for misuse.

  countersign uninstall cursor files
`;

export const uninstallCommand: Command = {
  help,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: hostFlags,
    });
    const words = hostWords('uninstall', positionals, values, io);
    const plan = await planUninstall(words);
    const isKeyInFile = plan.edits.some(({ before }) => /cs_live_\w/.test(before));
    const next = [
      `Start ${words.host.title} again.`,
      ...(isKeyInFile ? ['The file as it was has an API key in it: delete it once all is well.'] : []),
    ];
    return carryOut(plan, { isDryRun: values['dry-run'], json: values.json, next }, io);
  },
};
