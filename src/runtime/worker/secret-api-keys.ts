import { utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import {
  parseStore,
  readApiKeys,
  readPeppers,
  type Pepper,
  type StoredApiKey,
} from '../home/api-key-records.ts';
import { secretText } from './secret-reader.ts';

/** Peppers and records of a home, as the home itself reads them from its files. CONFIG_INVALID, with the place and nothing of it. */
export function readApiKeySecret(
  env: Readonly<Record<string, unknown>>,
  name: string,
): { readonly peppers: readonly Pepper[]; readonly keys: readonly StoredApiKey[] } {
  const text = secretText(env, name);
  const where = `The secret ${name}`;
  try {
    const store = parseStore(where, utf8(text));
    return { peppers: readPeppers(where, store), keys: readApiKeys(where, store) };
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    throw new CountersignError('CONFIG_INVALID', error.message, { cause: error });
  }
}
