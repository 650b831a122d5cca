import { expect, it } from 'vitest';
import { runDemo } from './run-demo.ts';

it('the example ai-sdk-agent shows what its README shows: a refund that ran and one that was refused, signed and verified', async () => {
  const { code, said, shown } = await runDemo('ai-sdk-agent');
  expect({ code, said }).toEqual({ code: 0, said: shown });
  expect(said.match(/countersign verify --expect (?:executed|deny)/g)).toHaveLength(2);
}, 60_000);
