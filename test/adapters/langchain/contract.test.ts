import { BaseTracer, type Run as TracedRun } from '@langchain/core/tracers/base';
import { MemorySaver } from '@langchain/langgraph';
import { createAgent } from 'langchain';
import {
  delegation,
  delegatorOf,
  governanceMiddleware,
  type Delegation,
} from '../../../adapters/langchain/index.ts';
import { describeAdapter, type Ran, type Run } from '../contract.ts';
import { langchainTool, scripted, textsIn, toolMessages } from './agent.ts';

class Tracer extends BaseTracer {
  readonly name = 'collector';
  readonly seen: TracedRun[] = [];
  protected persistRun(run: TracedRun): Promise<void> {
    this.seen.push(run);
    return Promise.resolve();
  }
}

async function run({ gate, server, tools, calls, humanToken, signal, onVerdict, onEnd }: Run): Promise<Ran> {
  const tracer = new Tracer();
  const checkpointer = new MemorySaver();
  const agent = createAgent({
    model: scripted(calls),
    tools: tools.map(langchainTool),
    checkpointer,
    middleware: [
      governanceMiddleware<{ person?: Delegation }>({
        gate,
        server,
        identity: ({ context }) => delegatorOf(context.person),
        onVerdict,
        onEnd,
      }),
    ],
  });
  const config = {
    configurable: { thread_id: 'one' },
    context: humanToken === undefined ? {} : { person: delegation({ humanToken }) },
    callbacks: [tracer],
    ...(signal && { signal }),
  };
  const { messages } = await agent.invoke({ messages: [{ role: 'user', content: 'Go.' }] }, config);
  const told = new Map(toolMessages(messages).map((message) => [message.tool_call_id, message.text]));
  return { told, traces: textsIn(tracer.seen, checkpointer, messages) };
}

describeAdapter({ name: 'countersign/langchain, an agent', run });
