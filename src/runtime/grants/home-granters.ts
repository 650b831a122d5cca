import { readFileSync, statSync } from 'node:fs';
import { parseJson } from '../../call/json-scan.ts';
import { isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import { CountersignError } from '../../errors.ts';
import {
  grantersOf,
  joinGranters,
  type Granters,
  type GranterSource,
  type WrittenGranter,
} from '../../identity/grants/granter.ts';
import type { HomeLayout } from '../home/home-layout.ts';

/**
 * The granters of a home: those of its configuration, and those of the file that `countersign grant trust` writes. The file is
 * looked at on every call that brings a grant, so that whoever is trusted no more counts no more.
 */
export function homeGranters(
  { granters: file }: Pick<HomeLayout, 'granters'>,
  configured?: GranterSource,
): GranterSource {
  let read: { readonly stamp: string; readonly granters: Granters } | undefined;
  const own: GranterSource = () => {
    const stamp = stampOf(file);
    if (read?.stamp !== stamp) read = { stamp, granters: grantersForCallers(file) };
    return read.granters;
  };
  return joinGranters(configured ? [configured, own] : [own]);
}

/** Callers are told what is wrong, and not where. */
function grantersForCallers(file: string): Granters {
  try {
    return grantersOf(readGranters(file));
  } catch (cause) {
    throw new CountersignError(
      'CONFIG_INVALID',
      'The granters of this gate cannot be read. Its operator sees why with “countersign grant list”.',
      { cause },
    );
  }
}

/** What the file says; nobody where there is none. Strict: throws CONFIG_INVALID. */
export function readGranters(file: string): readonly WrittenGranter[] {
  if (stampOf(file) === '') return [];
  const written = objectIn(file)['granters'];
  if (!Array.isArray(written)) throw unusable(file);
  return written.map((each) => granterIn(each) ?? refuse(file));
}

function objectIn(file: string): JsonObject {
  try {
    const { root } = parseJson(readFileSync(file));
    return root.kind === 'object' ? root.value : refuse(file);
  } catch (cause) {
    throw unusable(file, cause);
  }
}

function granterIn(written: Json): WrittenGranter | undefined {
  if (!isJsonObject(written)) return undefined;
  const { name, keys, tenant, human } = written;
  if (typeof name !== 'string' || typeof tenant !== 'string' || !Array.isArray(keys)) return undefined;
  if (human === undefined) return { name, keys, tenant };
  if (!isJsonObject(human)) return undefined;
  const { issuer, subject } = human;
  if (typeof issuer !== 'string' || typeof subject !== 'string') return undefined;
  return { name, keys, tenant, human: { issuer, subject } };
}

function stampOf(file: string): string {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? '' : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}

function refuse(file: string): never {
  throw unusable(file);
}

function unusable(file: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'CONFIG_INVALID',
    `${file} is no list of granters. See: countersign help grant`,
    {
      cause,
    },
  );
}
