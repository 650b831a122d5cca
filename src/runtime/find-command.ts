import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';

/** Where a command is: its real path, or the exit code by which shells say why there is none. */
export type FoundCommand = { readonly path: string } | { readonly exitCode: 126 | 127 };

/**
 * Looks a command up once, as the system would: names with a slash from the working directory, others along `path`. Links are
 * followed here, so that what is decided on is the file itself.
 */
export function findCommand(
  command: string,
  { cwd, path }: { readonly cwd: string; readonly path: string | undefined },
): FoundCommand {
  const folders = isPath(command) ? [''] : (path?.split(delimiter) ?? []);
  const candidates = folders.flatMap((folder) =>
    extensions.map((extension) => resolve(cwd, folder, command + extension)),
  );
  const found = candidates.find((file) => kindOf(file) === 'executable');
  if (found !== undefined) return { path: realpathSync(found) };
  return { exitCode: candidates.some((file) => kindOf(file) === 'other') ? 126 : 127 };
}

const onWindows = process.platform === 'win32';
const extensions = onWindows ? ['.com', '.exe', '.bat', '.cmd', ''] : [''];

/** Whether a command is written as a path, and not looked up by its name. */
export function isPath(command: string): boolean {
  return command.includes('/') || (onWindows && command.includes('\\'));
}

function kindOf(file: string): 'executable' | 'other' | 'none' {
  try {
    if (!statSync(file).isFile()) return 'other';
  } catch {
    return 'none';
  }
  try {
    accessSync(file, constants.X_OK);
    return 'executable';
  } catch {
    return 'other';
  }
}
