import { CountersignError } from '../errors.ts';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readGranters } from '../runtime/grants/home-granters.ts';
import { readPublicJwk } from '../runtime/grants/key-file.ts';
import { configuredGranters } from '../runtime/grants/granters-here.ts';
import { distrustGranter, thumbprintsOf, trustGranter } from '../runtime/grants/trust-granter.ts';
import { tenantFault } from '../runtime/home/api-key-scope.ts';
import { homeOf } from './home.ts';
import { homeFlags } from './home-options.ts';
import type { Io } from './io.ts';
import { palette } from './paint.ts';
import { printable } from './printable.ts';
import { usage } from './report.ts';

/** `grant trust`: whose grants count in this home. */
export async function grantTrust(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...homeFlags,
      key: { type: 'string', multiple: true, default: [] },
      human: { type: 'string' },
      issuer: { type: 'string' },
      tenant: { type: 'string' },
      remove: { type: 'boolean', default: false },
    },
  });
  const [name, ...others] = positionals;
  if (name === undefined || others.length > 0) throw usage('Name one granter: countersign grant trust NAME');
  const { key, human: subject, issuer, tenant, remove } = values;
  if (remove && (key.length > 0 || [subject, issuer, tenant].some((each) => each !== undefined)))
    throw usage('--remove stands alone.');
  if ((subject === undefined) !== (issuer === undefined))
    throw usage('A person is named by both: --human SUBJECT --issuer ISSUER, as their tokens say it.');
  if (!remove && key.length === 0) throw usage('Give their public key: --key FILE');
  const home = homeOf(values, io);
  const isConfigured = (await configuredGranters(home, io.env))?.().find(name) !== undefined;
  if (remove) {
    await distrustGranter(home, name);
    io.stdout.write(
      isConfigured
        ? `Grants of ${printable(name)} count still, as countersign.yaml says.\n`
        : `Grants of ${printable(name)} count no more.\n`,
    );
    return 0;
  }
  if (isConfigured)
    throw new CountersignError(
      'CONFIG_INVALID',
      `countersign.yaml names a granter ${printable(name)}, who would count in place of this one: change it there.`,
    );
  const wrong = tenant === undefined ? undefined : tenantFault(tenant);
  if (wrong !== undefined) throw usage(`--tenant ${wrong}.`);
  const granter = {
    name,
    keys: key.map((file) => readPublicJwk(resolve(io.cwd, file))),
    tenant: tenant ?? home.config.tenant,
    ...(subject !== undefined && issuer !== undefined && { human: { issuer, subject } }),
  };
  await trustGranter(home, granter);
  io.stdout.write(`Grants of ${printable(name)} count here: ${thumbprintsOf(granter).join(', ')}\n`);
  return 0;
}

/** `grant list`: who was trusted with `grant trust`. */
export function grantList(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { home: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  const granters = readGranters(homeOf(values, io).layout.granters).map((each) => ({
    name: each.name,
    tenant: each.tenant,
    ...(each.human && { human: each.human }),
    thumbprints: thumbprintsOf(each),
  }));
  const { bold, dim } = palette(io.stdout, io);
  if (values.json) io.stdout.write(`${JSON.stringify(granters, null, 2)}\n`);
  else if (granters.length === 0)
    io.stdout.write(
      'Nobody’s grants count here but those of its countersign.yaml. See: countersign help grant\n',
    );
  for (const { name, tenant, human, thumbprints } of values.json ? [] : granters) {
    const person = human ? `  ${printable(human.subject)} of ${printable(human.issuer)}` : '';
    io.stdout.write(
      `${bold(printable(name))}  ${printable(tenant)}${person}\n  ${dim(thumbprints.join('\n  '))}\n`,
    );
  }
  return Promise.resolve(0);
}
