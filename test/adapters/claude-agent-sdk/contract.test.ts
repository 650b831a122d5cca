import { describe } from 'vitest';
import { toolUse } from '../../support/anthropic-api.ts';
import { claudeProgram } from '../../support/claude-code.ts';
import { describeAdapter, type Run } from '../contract.ts';
import { ask, notes } from './driver.ts';

describe.skipIf(claudeProgram === undefined)('tools in this process', () => {
  describeAdapter({
    name: 'Claude Agent SDK',
    async run({ gate, server, tools, calls, humanToken, signal, onVerdict, onEnd }: Run) {
      const identity = (): { humanToken?: string } => (humanToken === undefined ? {} : { humanToken });
      const governed = { gate, server, identity, onVerdict, onEnd };
      const script = [calls.map(({ id, name, args }) => toolUse(id, `mcp__notes__${name}`, args))];
      const abortController = new AbortController();
      signal?.addEventListener('abort', () => abortController.abort());
      return ask({ script, governed, options: { abortController, mcpServers: notes(tools, governed) } });
    },
    lacks: { streaming: 'A handler gives one result: the SDK has no tools that give it in parts.' },
  });
});
