import { describeAdapter } from '../contract.ts';
import { runAgent } from './agent.ts';

const lacks = {
  streaming: 'A tool of Mastra gives one result; what it writes to the stream meanwhile is no part of it.',
};

describeAdapter({ name: 'Mastra, generate', run: (run) => runAgent(run, false), lacks });
describeAdapter({ name: 'Mastra, stream', run: (run) => runAgent(run, true), lacks });
