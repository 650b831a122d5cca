import { govern } from '../../../src/client/govern.ts';
import { lastUserText } from '../../../src/client/last-user-text.ts';
import type { JsonObject } from '../../../src/call/json.ts';
import { describeAdapter, type AdapterDriver, type Ran, type Run } from '../contract.ts';

/** No framework: what calls the functions is a loop over what the model has asked for. */
const driver: AdapterDriver = {
  name: 'govern',
  async run(run) {
    const functions = new Map(run.tools.map((tool) => [tool.name, governedTool(run, tool)]));
    const told = new Map(
      await Promise.all(run.calls.map(async (call) => [call.id, await tell(run, functions, call)] as const)),
    );
    return { told, traces: JSON.stringify([...told]) } satisfies Ran;
  },
  lacks: {
    streaming: 'a function gives its result once',
    confirmation: 'a function has nobody to ask: its program says confirmed to the gate by itself',
  },
};

function governedTool({ gate, server, onVerdict, onEnd }: Run, tool: Run['tools'][number]) {
  const { name, description, parameters: schema, execute } = tool;
  return govern<JsonObject, JsonObject>(
    gate,
    { tool: `${server}/${name}`, description, schema: schema as unknown as JsonObject, onVerdict, onEnd },
    (args, { signal }) => execute(args, signal),
  );
}

async function tell(
  { humanToken, says, signal }: Run,
  functions: ReadonlyMap<string, ReturnType<typeof governedTool>>,
  { name, args }: Run['calls'][number],
): Promise<string> {
  const who = { ...(humanToken !== undefined && { humanToken }), ...(signal && { signal }) };
  const request = lastUserText([{ role: 'user', content: says }]);
  try {
    return JSON.stringify(
      (await functions.get(name)?.(args, { ...who, ...(request !== undefined && { request }) })) ??
        'no such function',
    );
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describeAdapter(driver);
