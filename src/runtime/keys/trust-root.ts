import { readFileSync } from 'node:fs';
import { CountersignError } from '../../errors.ts';
import type { TrustedRootJson } from '../../pki/trusted-root.ts';
import type { HomeLayout } from '../home/home-layout.ts';

export * from './trusted-keys.ts';

/** HOME_INVALID when it cannot be read. */
export function readTrustRoot({ trustedRoot }: HomeLayout): TrustedRootJson {
  try {
    return JSON.parse(readFileSync(trustedRoot, 'utf8')) as TrustedRootJson;
  } catch (error) {
    throw new CountersignError('HOME_INVALID', `${trustedRoot} cannot be read as JSON.`, { cause: error });
  }
}
