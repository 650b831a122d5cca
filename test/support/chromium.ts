import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';

const script = fileURLToPath(new URL('../../scripts/chromium.mjs', import.meta.url));

/** No way to a browser here: what needs one is skipped, and says why. */
const noWay = 3;

/**
 * Path of a Chromium, installed first where there is none and it can be. Otherwise why there can't be one. One test file
 * alone may ask: two package managers at once are in each other's way.
 *
 * @throws Error when one was named that is none.
 */
export async function provideChromium(): Promise<{ readonly path: string } | { readonly reason: string }> {
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve).once('error', reject);
  });
  child.stderr.pipe(process.stderr, { end: false });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code === 0) return { path: stdout.trim() };
  if (code === noWay) return { reason: stderr.trim() };
  throw new Error(stderr.trim());
}
