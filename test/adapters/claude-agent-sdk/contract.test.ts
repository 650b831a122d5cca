import { describe } from 'vitest';
import type { ClaudeCall } from '../../../adapters/claude-agent-sdk/index.ts';
import { toolUse } from '../../support/anthropic-api.ts';
import { claudeProgram } from '../../support/claude-code.ts';
import { describeAdapter, type Run } from '../contract.ts';
import { ask, notes } from './driver.ts';

describe.skipIf(claudeProgram === undefined)('tools in this process', () => {
  describeAdapter({
    name: 'Claude Agent SDK',
    async run({ gate, server, tools, calls, humanToken, says, signal, onVerdict, onEnd }: Run) {
      const identity = (): { humanToken?: string } => (humanToken === undefined ? {} : { humanToken });
      const request = ({ prompt }: ClaudeCall): string | undefined => prompt;
      const governed = { gate, server, identity, request, onVerdict, onEnd };
      const script = [calls.map(({ id, name, args }) => toolUse(id, `mcp__notes__${name}`, args))];
      const abortController = new AbortController();
      signal?.addEventListener('abort', () => abortController.abort());
      const options = { abortController, mcpServers: notes(tools, governed) };
      return ask({ script, governed, options, ...(says !== undefined && { prompt: says }) });
    },
    lacks: {
      streaming: 'A handler gives one result: the SDK has no tools that give it in parts.',
      confirmation: 'What the person answered to “ask” does not come back to the hook that asked.',
    },
  });
});
