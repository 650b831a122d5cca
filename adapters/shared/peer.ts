import { CountersignError } from '../../src/adapter.ts';

/**
 * Loads a framework that its user has installed, or says what to install.
 *
 * @param load `() => import('langchain')`: written out, so that bundlers see it.
 * @throws CountersignError `PEER_MISSING` when it is not there; whatever it throws itself when it is.
 */
export async function peer<T>(subpath: string, install: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new CountersignError(
      'PEER_MISSING',
      `countersign/${subpath} needs a package that is not installed: npm install ${install}`,
      { cause: error },
    );
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
}
