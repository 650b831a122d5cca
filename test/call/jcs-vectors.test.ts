import { describe, expect, it } from 'vitest';
import { hex, utf8 } from '../../src/call/bytes.ts';
import { canonicalJson } from '../../src/call/canonical-json.ts';
import { parseJson } from '../../src/call/json-scan.ts';
import { vectorBytes, vectorNames } from '../support/vectors.ts';

/** `test/vectors/jcs/gowebpki/`: documents, their canonical form as text, and most of those as hexadecimal. */
const folder = 'jcs/gowebpki';
const names = vectorNames(`${folder}/input`);
const text = (path: string): string => new TextDecoder().decode(vectorBytes(`${folder}/${path}`));

/** The published texts end their files with a line feed, which no canonical form has. */
const withoutLastLineFeed = (value: string): string => value.replace(/\n$/, '');
const canonicalOf = (bytes: Uint8Array): string => canonicalJson(parseJson(bytes).root.value);

describe('a document of the JCS test data', () => {
  it('is there with its canonical form, and nine of ten in hexadecimal too', () => {
    expect(names).toHaveLength(10);
    expect(vectorNames(`${folder}/output`)).toEqual(names);
    expect(vectorNames(`${folder}/outhex`)).toHaveLength(9);
  });

  it.each(names)('%s becomes exactly its published canonical form', (name) => {
    const canonical = canonicalOf(vectorBytes(`${folder}/input/${name}`));
    expect(canonical).toBe(withoutLastLineFeed(text(`output/${name}`)));
  });

  it.each(vectorNames(`${folder}/outhex`))('%s: byte for byte', (name) => {
    const input = vectorBytes(`${folder}/input/${name.replace('.txt', '.json')}`);
    expect(hex(utf8(canonicalOf(input)))).toBe(text(`outhex/${name}`).replace(/\s/g, '').toLowerCase());
  });

  it.each(names)('%s: its canonical form is its own', (name) => {
    const canonical = withoutLastLineFeed(text(`output/${name}`));
    expect(canonicalOf(utf8(canonical))).toBe(canonical);
  });
});
