// Writes src/gate/tool-review/confusables.ts from Unicode's confusables (UTS #39) as Debian's python3-confusable-homoglyphs has
// them: node scripts/confusables.mjs FOLDER, where FOLDER is that package, unpacked (`dpkg -x`).
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Say where: node scripts/confusables.mjs FOLDER');

const data = join(folder, 'usr/lib/python3/dist-packages/confusable_homoglyphs/confusables.json');
const copyright = join(folder, 'usr/share/doc/python3-confusable-homoglyphs/copyright');

/** What looks like characters of a name. Prototypes that no name has are of no use: quotes, brackets, fractions. */
const isOfNames = (prototype) => /^[\w./:| -]{1,3}$/.test(prototype);

const mapping = new Map();
for (const [prototype, alike] of Object.entries(JSON.parse(readFileSync(data, 'utf8')))) {
  if (!isOfNames(prototype)) continue;
  for (const { c } of alike) {
    // The file stands marks of direction around what is written from right to left.
    const [character, second] = c.replaceAll('\u{200e}', '');
    // NFKC has been there before the table is asked: what it folds is not asked for.
    if (second !== undefined || character <= '\u{7f}' || character.normalize('NFKC') !== character) continue;
    const known = mapping.get(character);
    if (known === undefined || prototype.length < known.length) mapping.set(character, prototype);
  }
}

const byPrototype = Map.groupBy(mapping.keys(), (character) => mapping.get(character));
const rows = [...byPrototype]
  .toSorted(([a], [b]) => (a < b ? -1 : 1))
  .map(([prototype, characters]) => {
    const codes = characters.map((each) => each.codePointAt(0)).toSorted((a, b) => a - b);
    return `  ['${prototype}', '${codes.map((code) => code.toString(16)).join(' ')}'],`;
  });

/** What the licence wants beside every copy; `@license` keeps it where bundlers drop comments. */
const licence = readFileSync(copyright, 'utf8')
  .split(/^License: UnicodeDataFiles\n(?= )/m)[1]
  .split(/\n(?! )/)[0]
  .split('\n')
  .map((line) => ` *${line.replace(/^ \.$/, '').trimEnd()}`)
  .join('\n');

writeFileSync(
  join(root, 'src/gate/tool-review/confusables.ts'),
  `/**
 * @license Unicode
 *
${licence}
 */

/**
 * What looks like ASCII: prototype, and the code points that look like it, in hex. Made by \`scripts/confusables.mjs\` from
 * Unicode's confusables (UTS #39) of Debian's python3-confusable-homoglyphs 3.2.0-2, without what NFKC folds already.
 */
export const confusables: readonly (readonly [prototype: string, codePoints: string])[] = [
${rows.join('\n')}
];
`,
);
