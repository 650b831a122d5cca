import { expect, it } from 'vitest';
import { runDemo } from './run-demo.ts';

it('the example ot-pressure shows what its README shows: one call that ran, four tries that were blocked, signed and verified', async () => {
  const { code, said, shown } = await runDemo('ot-pressure');
  expect({ code, said }).toMatchObject({ code: 0 });
  expect(withoutKey(said)).toBe(withoutKey(shown));
  expect(said.match(/verified: countersign verify --expect deny/g)).toHaveLength(4);
}, 60_000);

/** The id of a key is another one in each home. */
function withoutKey(text: string): string {
  return text.replace(/key-[0-9a-f]{12}/, 'key-…');
}
