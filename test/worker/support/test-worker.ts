import { countersignWorker } from '../../../src/runtime/worker.ts';
import type { Bindings, Bucket, ObjectState } from '../../../src/runtime/worker/platform.ts';
import configuration from '../../../examples/cloudflare-worker/countersign.yaml';
import policy from '../../../examples/cloudflare-worker/policy.yaml';

/** The example's Worker with handles for tests: what breaks, when the alarm rings, which object is asked. */

type Fault = 'none' | 'not written' | 'written, answer lost';

let faults: Fault[] = [];
const reported: string[] = [];

const morePolicy = `
version: 1
name: more
rules:
  - id: what-the-tests-call
    effect: allow
    tools: ['files/read', 'notes/add']
    reason: So that something is allowed.
`;

const { worker, Log: PlainLog } = countersignWorker({
  configuration: `${configuration.replace('[policy.yaml]', '[policy.yaml, more.yaml]')}
servers:
  files: { url: 'https://files.example.com/mcp' }
`,
  policies: { 'policy.yaml': policy, 'more.yaml': morePolicy },
  report: (line) => reported.push(line),
});

/** A bucket whose next writes fail as told. */
function faulty(bucket: Bucket): Bucket {
  return {
    get: (key) => bucket.get(key),
    list: (options) => bucket.list(options),
    delete: (keys) => bucket.delete(keys),
    async put(key, value, options) {
      const fault = faults.shift();
      if (fault === 'not written') throw new Error('The bucket is away.');
      const result = await bucket.put(key, value, options);
      if (fault === 'written, answer lost') throw new Error('The answer was lost.');
      return result;
    },
  };
}

type TestState = ObjectState & {
  abort(reason: string): void;
  readonly storage: { getAlarm(): Promise<number | null> };
};

export class Log extends PlainLog {
  readonly #state: TestState;

  constructor(state: TestState, env: Bindings) {
    super(state, { ...env, TILES: faulty(env.TILES) });
    this.#state = state;
  }

  override async fetch(request: Request): Promise<Response> {
    switch (new URL(request.url).pathname) {
      case '/test/alarm':
        await this.alarm();
        return Response.json(reported);
      case '/test/next-alarm':
        return Response.json(await this.#state.storage.getAlarm());
      case '/test/fault':
        faults = (await request.json()) as Fault[];
        return new Response(null, { status: 204 });
      case '/test/abort':
        this.#state.abort('The object is gone.');
        return new Response(null);
      default:
        return super.fetch(request);
    }
  }
}

const testWorker = {
  fetch(request: Request, env: Bindings): Promise<Response> {
    const name = request.headers.get('test-object');
    return name === null ? worker.fetch(request, env) : env.LOG.get(env.LOG.idFromName(name)).fetch(request);
  },
};

export { testWorker as default };
