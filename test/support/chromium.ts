import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';

const script = fileURLToPath(new URL('../../scripts/chromium.mjs', import.meta.url));

/** Of Debian's util-linux: where it is not, neither is the package manager. */
const flock = '/usr/bin/flock';

/** No way to a browser here: what needs one is skipped, and says why. */
const noWay = 3;

/**
 * Path of a Chromium, installed first where there is none and it can be. Otherwise why there can't be one. Whoever asks
 * meanwhile waits: two package managers at once are in each other's way.
 *
 * @throws Error when one was named that is none.
 */
export async function provideChromium(): Promise<{ readonly path: string } | { readonly reason: string }> {
  const [program, ...args] = existsSync(flock)
    ? [flock, join(tmpdir(), 'countersign-chromium.lock'), process.execPath, script]
    : [process.execPath, script];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve).once('error', reject);
  });
  child.stderr.pipe(process.stderr, { end: false });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code === 0) return { path: stdout.trim() };
  if (code === noWay) return { reason: stderr.trim() };
  throw new Error(stderr.trim());
}
