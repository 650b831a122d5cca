import { expect, it } from 'vitest';
import { runDemo } from './run-demo.ts';

it('the example langchain-agent shows what its README shows: what ran, what did not, and that each answer verifies', async () => {
  const { code, said, shown } = await runDemo('langchain-agent');
  expect({ code, said }).toEqual({ code: 0, said: shown });
}, 60_000);
