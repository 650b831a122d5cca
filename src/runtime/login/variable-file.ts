import { readFileSync, statSync } from 'node:fs';
import { CountersignError } from '../../errors.ts';
import type { ReasonCode } from '../../names.ts';

/** A file that an environment variable names, with one line in it. */
export interface VariableFile {
  readonly file: string;
  /** Who names it: for messages, as the file's own name may tell of people. */
  readonly variable: string;
  /** With the line end behind it. */
  readonly maxBytes: number;
  /** Of a file that cannot be used. */
  readonly code: ReasonCode;
}

/** Whoever writes the file renews what is in it: it is looked at before each call, and read when it has changed. */
export function variableFile(named: VariableFile): () => Promise<string> {
  let read: { readonly stamp: string; readonly line: string } | undefined;
  const current = (): string => {
    const stamp = stampOf(named);
    if (read?.stamp !== stamp) read = { stamp, line: readLine(named) };
    return read.line;
  };
  return () => new Promise((resolve) => resolve(current()));
}

function stampOf(named: VariableFile): string {
  const found = statSync(named.file, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) throw unusable(named, 'is not there');
  if (found.size > named.maxBytes) throw unusable(named, 'is longer than a token');
  if (process.platform !== 'win32' && (found.mode & 0o022n) !== 0n)
    throw unusable(named, 'could have been written by others; take that from them with: chmod go-w');
  return `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}

function readLine(named: VariableFile): string {
  let text: string;
  try {
    text = readFileSync(named.file, 'utf8');
  } catch {
    throw unusable(named, 'cannot be read');
  }
  const line = text.replace(/\r?\n$/, '');
  if (line === '') throw unusable(named, 'is empty');
  return line;
}

function unusable({ code, variable }: VariableFile, what: string): CountersignError {
  return new CountersignError(code, `The file that ${variable} names ${what}.`);
}
