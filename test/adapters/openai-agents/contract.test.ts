import { describeAdapter } from '../contract.ts';
import { runAgent } from './agent.ts';

const lacks = { streaming: 'A tool of the SDK gives one output.' };

describeAdapter({ name: 'OpenAI Agents SDK, run', run: (run) => runAgent(run, false), lacks });
describeAdapter({ name: 'OpenAI Agents SDK, streamed run', run: (run) => runAgent(run, true), lacks });
