import type { GranterSource } from '../../identity/grants/granter.ts';
import type { Home } from '../home/open-home.ts';
import { readActingAt } from '../login/human-token.ts';
import { readIdentity } from '../serve/identity.ts';
import { homeGranters } from './home-granters.ts';

/** Whose grants count in a home: of its `countersign.yaml`, and those that it was told to trust. */
export async function grantersHere(
  { layout }: Home,
  env: Readonly<Record<string, string | undefined>>,
): Promise<GranterSource> {
  const config = await readActingAt(layout.root, env);
  const { evidence } = readIdentity(config?.identity, layout.root);
  return homeGranters(layout, evidence.granters);
}
