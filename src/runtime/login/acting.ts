import type { Evidence } from '../../identity/evidence.ts';
import { readIdentity } from '../serve/identity.ts';
import {
  openHumanToken,
  readActingAt,
  type HumanTokenOptions,
  type HumanTokenSource,
} from './human-token.ts';

/** For whom a gate of one's own acts, and who is believed about them. */
export interface Acting {
  readonly evidence: Evidence;
  readonly source: HumanTokenSource | undefined;
}

/** What the home's configuration and the environment say. Throws CONFIG_INVALID. */
export async function openActing(options: HumanTokenOptions): Promise<Acting> {
  const config = (await readActingAt(options.root, options.env)) ?? {};
  const { evidence } = readIdentity(config.identity, options.root);
  return { evidence, source: await openHumanToken(options, config) };
}
