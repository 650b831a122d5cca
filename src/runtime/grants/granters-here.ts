import type { GranterSource } from '../../identity/grants/granter.ts';
import type { Home } from '../home/open-home.ts';
import { readActingAt } from '../login/human-token.ts';
import { readIdentity } from '../serve/identity.ts';
import { homeGranters } from './home-granters.ts';

/** Whose grants count in a home: of its `countersign.yaml`, and those that it was told to trust. */
export async function grantersHere(home: Home, env: Environment): Promise<GranterSource> {
  return homeGranters(home.layout, await configuredGranters(home, env));
}

/** Those of its `countersign.yaml` alone, which count before others of the same name. */
export async function configuredGranters(
  { layout }: Home,
  env: Environment,
): Promise<GranterSource | undefined> {
  const config = await readActingAt(layout.root, env);
  return readIdentity(config?.identity, layout.root).evidence.granters;
}

type Environment = Readonly<Record<string, string | undefined>>;
