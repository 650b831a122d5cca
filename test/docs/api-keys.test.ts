import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/sha256.ts';
import { reasonCodes } from '../../src/names.ts';
import { parseStore, readApiKeys } from '../../src/runtime/home/api-key-records.ts';
import { blocks, firstCells, page, section } from './pages.ts';

const text = page('docs/api-keys.md');

describe('docs/api-keys.md', () => {
  it('lists every code of an API key, and no other', () => {
    const listed = firstCells(section(text, 'Revoking')).flatMap((cell) => /^`(\w+)`$/.exec(cell)?.[1] ?? []);
    expect(listed).toEqual(reasonCodes.filter((code) => code.startsWith('API_KEY_')));
  });

  it('shows a file that is read', () => {
    const [file = ''] = blocks(text, 'json');
    expect(readApiKeys('it', parseStore('it', utf8(file)))).toMatchObject([{ tools: ['files/read_*'] }]);
  });
});
