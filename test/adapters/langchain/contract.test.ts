import { BaseTracer, type Run as TracedRun } from '@langchain/core/tracers/base';
import { Command, MemorySaver } from '@langchain/langgraph';
import { createAgent } from 'langchain';
import {
  delegation,
  delegatorOf,
  governanceMiddleware,
  lastUserText,
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

async function run(given: Run): Promise<Ran> {
  const { gate, server, tools, calls, humanToken, says = 'Go.', signal, confirm, onVerdict, onEnd } = given;
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
        request: ({ messages }) => lastUserText(messages),
        onVerdict,
        onEnd,
        ...(confirm !== undefined && { confirmations: 'interrupt' }),
      }),
    ],
  });
  const config = {
    configurable: { thread_id: 'one' },
    context: humanToken === undefined ? {} : { person: delegation({ humanToken }) },
    callbacks: [tracer],
    ...(signal && { signal }),
  };
  let state = await agent.invoke({ messages: [{ role: 'user', content: says }] }, config);
  let questions = 0;
  while ('__interrupt__' in state && questions < 5) {
    questions += 1;
    const resume = { decisions: [{ type: confirm ? 'approve' : 'reject' }] };
    state = await agent.invoke(new Command({ resume }), config);
  }
  const { messages } = state;
  const told = new Map(toolMessages(messages).map((message) => [message.tool_call_id, message.text]));
  return { told, questions, traces: textsIn(tracer.seen, checkpointer, messages) };
}

describeAdapter({ name: 'countersign/langchain, an agent', run });
