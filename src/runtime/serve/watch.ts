import { readFileSync, realpathSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { hex, sha256 } from '../../call/sha256.ts';

export interface WatchOptions {
  /** Absolute paths. */
  readonly files: readonly string[];
  /** Called once for each content that rests, the first one included: it may be another by now than whoever asked has read. */
  readonly onChange: () => void;
  /** Milliseconds for which nothing may be written before the files are looked at; 250 unless told. */
  readonly settle?: number;
}

export interface FileWatch {
  /** Other files from now on. */
  follow(files: readonly string[]): void;
  close(): void;
}

/**
 * Watches the folders rather than the files: editors, and Kubernetes' mounted configurations, put another file in a name's place,
 * and a watch of the file would stay with the old one. An event only says that something may have happened; the contents say
 * whether it did. So a file that is written piece by piece is read once it rests, and one that is wrong is complained of once.
 */
export function watchFiles({ files, onChange, settle = 250 }: WatchOptions): FileWatch {
  let watched = files;
  let known: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let watchers = open();
  touched();

  function open(): readonly FSWatcher[] {
    const names = new Set(watched.map((file) => basename(file)));
    return foldersOf(watched).flatMap((folder) => {
      try {
        const watcher = watch(folder, (_, name) => {
          if (name === null || names.has(name) || name.startsWith('..')) touched();
        });
        // A folder that goes away takes its watch along; a new start, or SIGHUP, is then needed.
        return [watcher.on('error', () => watcher.close())];
      } catch {
        return [];
      }
    });
  }
  function shut(): void {
    for (const watcher of watchers) watcher.close();
    clearTimeout(timer);
  }
  function touched(): void {
    clearTimeout(timer);
    timer = setTimeout(look, settle);
  }
  function look(): void {
    const now = contentsOf(watched);
    if (now === known) return;
    known = now;
    // A link may lead elsewhere by now.
    shut();
    watchers = open();
    onChange();
  }

  return {
    follow(next) {
      if (next.join('\n') === watched.join('\n')) return;
      watched = next;
      known = undefined;
      shut();
      watchers = open();
      touched();
    },
    close: shut,
  };
}

/** Where the names are, and where the files are that they lead to. */
function foldersOf(files: readonly string[]): readonly string[] {
  const folders = files.flatMap((file) => {
    try {
      return [dirname(file), dirname(realpathSync(file))];
    } catch {
      return [dirname(file)];
    }
  });
  return [...new Set(folders)];
}

/** A file that cannot be read is a content of its own: it is told once that it is gone. */
function contentsOf(files: readonly string[]): string {
  return files
    .map((file) => {
      try {
        return hex(sha256(readFileSync(file)));
      } catch {
        return 'unreadable';
      }
    })
    .join(' ');
}
