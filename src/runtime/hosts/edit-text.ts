import { CountersignError } from '../../errors.ts';
import { changesBetween, type Change } from './changes.ts';

/** How one language is read and changed. */
export interface Language {
  /** Throws for what it cannot read. */
  parse(text: string): unknown;
  /** One step in the text; undefined where the text is written in a way that this cannot change. */
  change(text: string, change: Change, wanted: unknown): string | undefined;
}

/**
 * The text that says `wanted`, with everything that both say left as it is written. The result is read again, and refused unless
 * it says exactly that: a text that was read otherwise than written (a key twice) must not be half changed.
 *
 * @throws CountersignError `CONFIG_INVALID`; its message quotes nothing of the text.
 */
export function editText({ parse, change }: Language, text: string, wanted: unknown): string {
  let edited = text;
  for (const each of changesBetween(parse(text), wanted)) {
    const next = change(edited, each, wanted);
    if (next === undefined) throw notUnderstood();
    edited = next;
  }
  if (!says(parse, edited, wanted)) throw notUnderstood();
  return edited;
}

function says(parse: Language['parse'], text: string, wanted: unknown): boolean {
  try {
    return changesBetween(parse(text), wanted).length === 0;
  } catch {
    return false;
  }
}

function notUnderstood(): CountersignError {
  return new CountersignError(
    'CONFIG_INVALID',
    'A file is written in a way that is not changed here: change it by hand (docs/hosts.md).',
  );
}
