import { AsyncLocalStorage } from 'node:async_hooks';
import { generateText, isStepCount } from 'ai';
import { governMcp } from '../../../adapters/cloudflare-agents/index.ts';
import type { Delegator } from '../../../src/adapter.ts';
import type { JsonObject } from '../../../src/call/json.ts';
import { modelOf7, toldTo } from '../ai/scripted-model.ts';
import { createTraces, integrationOf } from '../ai/traces.ts';
import { describeAdapter } from '../contract.ts';
import { managerOf } from './manager.ts';

const person = new AsyncLocalStorage<Delegator>();

describeAdapter({
  name: 'Cloudflare agents',
  lacks: {
    streaming: 'A tool of MCP has one result.',
    abort: 'getAITools() hands the caller’s signal on to no tool.',
  },
  async run({ tools, calls, humanToken, ...options }) {
    const mcp = managerOf({
      connectionState: 'ready',
      tools: tools.map(({ name, description, parameters }) => ({
        name,
        description,
        inputSchema: parameters,
      })),
      client: {
        async callTool({ name, arguments: args }, call) {
          const tool = tools.find((spec) => spec.name === name);
          const result = await tool?.execute(args as JsonObject, call?.signal);
          return { content: [{ type: 'text', text: JSON.stringify(result) }] };
        },
      },
    });
    governMcp({ ...options, identity: () => person.getStore() })(mcp);
    const traces = createTraces();
    const model = modelOf7(calls.map((call) => ({ ...call, name: `tool_office_${call.name}` })));
    const result = await person.run(humanToken === undefined ? {} : { humanToken }, () =>
      generateText({
        model,
        tools: mcp.getAITools(),
        prompt: 'Please.',
        stopWhen: isStepCount(5),
        telemetry: { isEnabled: true, integrations: [integrationOf(traces)] },
      }),
    );
    traces.note(result.steps, model.doGenerateCalls);
    return { told: toldTo(model.doGenerateCalls), traces: traces.text() };
  },
});
