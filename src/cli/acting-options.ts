import { homePath } from '../runtime/home/home-layout.ts';
import type { HumanTokenSource } from '../runtime/login/human-token.ts';
import type { Io } from './io.ts';

/** The token of whoever is logged in, or of the environment. Opened when it is first asked for, so that what is wrong with it is an answer to whoever asks. */
export function humanTokenFrom(
  { env, cwd }: Pick<Io, 'env' | 'cwd'>,
  root = homePath(undefined, env, cwd),
): HumanTokenSource {
  let opened: Promise<HumanTokenSource | undefined> | undefined;
  return async () => {
    opened ??= import('../runtime/login/human-token.ts').then(({ openHumanToken }) =>
      openHumanToken({ root, env, cwd }),
    );
    const source = await opened;
    return source?.();
  };
}
