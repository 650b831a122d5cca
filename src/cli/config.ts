import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { configJsonSchema } from '../runtime/config/schema.ts';
import { homeLayout, homePath } from '../runtime/home/home-layout.ts';
import { readServeSettings } from '../runtime/serve/serve-settings.ts';
import type { Command } from './io.ts';
import { usage } from './report.ts';

const help = `Usage: countersign config check FILE [--home DIR] [--json]
       countersign config schema

check    reads a configuration with its policies and the variables that it refers to, and says what is wrong and where
schema   prints the JSON Schema of a configuration, for editors

  --home DIR   whose policy is used where the configuration names none (default: $COUNTERSIGN_HOME, else ~/.countersign)
  --json       the result as JSON

  countersign config check countersign.yaml
`;

export const configCommand: Command = {
  help,
  run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { home: { type: 'string' }, json: { type: 'boolean' } },
    });
    const [what, file, ...more] = positionals;
    if (what === 'schema' && file === undefined) {
      io.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
      return Promise.resolve(0);
    }
    if (what !== 'check' || file === undefined || more.length > 0)
      throw usage('Say “config check FILE” or “config schema”.');
    const { digest, policy, declared } = readServeSettings({
      configFile: resolve(io.cwd, file),
      homePolicy: homeLayout(homePath(values.home, io.env, io.cwd)).policy,
      env: io.env,
    });
    const actions = [...declared.actions.keys()];
    io.stdout.write(
      values.json
        ? `${JSON.stringify({ configuration: digest, policy: { id: policy.id, digest: policy.digest }, actions })}\n`
        : `${file} is valid: policy ${policy.id}, ${actions.length} action${actions.length === 1 ? '' : 's'}.\n`,
    );
    return Promise.resolve(0);
  },
};
