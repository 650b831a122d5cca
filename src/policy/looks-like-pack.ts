import { isMap, parseDocument } from 'yaml';

/** Whether a text is meant as a pack, in whatever style of YAML. What is broken counts by its lines. */
export function looksLikePack(text: string): boolean {
  const { contents } = parseDocument(text, { logLevel: 'silent' });
  return /^rules[ \t]*:/m.test(text) || (isMap(contents) && contents.has('rules'));
}
