import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CountersignError, systemCode } from '../errors.ts';
import { fromUtf8 } from '../call/sha256.ts';
import { loadWitnesses, parseAssurance } from '../verify/cosignatures.ts';
import type { InputOptions } from '../verify/verify.ts';
import type { Io } from './io.ts';
import { usage } from './report.ts';

/** `--witness` and `--assurance` of the commands that verify. */
export interface WitnessFlags {
  readonly witness?: readonly string[] | undefined;
  readonly assurance?: string | undefined;
}

/** Whose cosignatures count, and how many there must be. Witnesses are named, as trust is: none is taken from a home or an envelope. */
export async function witnessOptions(
  { witness = [], assurance: text }: WitnessFlags,
  io: Io,
): Promise<Pick<InputOptions, 'witnesses' | 'assurance'>> {
  const witnesses: NonNullable<InputOptions['witnesses']>[number][] = [];
  for (const one of witness) witnesses.push(...(await readWitnesses(one, io)));
  if (text === undefined) return { witnesses };
  const assurance = parseAssurance(text);
  if (assurance === undefined) {
    throw usage(`--assurance takes self, witnessed or witnessed(N), and not “${text}”.`);
  }
  if (assurance !== 'self' && witnesses.length === 0) {
    throw usage('Say which witnesses count: --witness VKEY, or a file of them, from their operators.');
  }
  return { witnesses, assurance };
}

/** What begins as a vkey does is one, though a file could be called so. */
const vkeyPattern = /^[^+]+\+[0-9a-f]{8}\+/;

async function readWitnesses(one: string, io: Io) {
  try {
    return loadWitnesses(vkeyPattern.test(one) ? one : await readText(one, io));
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code !== 'CONFIG_INVALID') throw error;
    throw new CountersignError(error.code, `--witness ${one}: ${error.message}`, { cause: error });
  }
}

async function readText(name: string, { cwd }: Io): Promise<string> {
  try {
    return fromUtf8(await readFile(resolve(cwd, name))) ?? '';
  } catch (error) {
    const why = systemCode(error);
    throw usage(`--witness takes a vkey, or a file of them: ${name} cannot be read (${why}).`);
  }
}
