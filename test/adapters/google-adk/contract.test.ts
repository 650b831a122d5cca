import { governTools, saidByUser } from '../../../adapters/google-adk/index.ts';
import { describeAdapter } from '../contract.ts';
import { identity, runAgent, SpecTool } from './agent.ts';

describeAdapter({
  name: 'Google ADK',
  lacks: { streaming: 'A tool of ADK has one result.' },
  run({ tools, calls, humanToken, says, signal, confirm, ...options }) {
    const governed = governTools(
      tools.map((spec) => new SpecTool(spec)),
      {
        ...options,
        identity,
        request: saidByUser,
        ...(confirm !== undefined && { confirmations: 'request' }),
      },
    );
    return runAgent({ tools: governed, calls, humanToken, says, signal, confirm });
  },
});
