import { describeAdapter } from '../contract.ts';
import { runAgent } from './agent.ts';

const lacks = {
  confirmation: 'What Mastra was answered by its person, it does not tell to the tool.',
  streaming: 'A tool of Mastra gives one result; what it writes to the stream meanwhile is no part of it.',
};

describeAdapter({ name: 'Mastra, generate', run: (run) => runAgent(run, false), lacks });
describeAdapter({ name: 'Mastra, stream', run: (run) => runAgent(run, true), lacks });
