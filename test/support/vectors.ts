import { readFileSync, readdirSync } from 'node:fs';

const root = new URL('../vectors/', import.meta.url);

/** A file of `test/vectors/`. The README of its folder says whose it is. */
export function vectorBytes(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(path, root)));
}

/** A JSON file of `test/vectors/`, in the shape that its authors gave it. */
export function vectorJson(path: string): unknown {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(vectorBytes(path)));
}

/** Names of the files of a folder of `test/vectors/`, sorted. */
export function vectorNames(folder: string): readonly string[] {
  return readdirSync(new URL(`${folder}/`, root)).sort();
}
