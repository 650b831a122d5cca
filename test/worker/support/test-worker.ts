import { countersignWorker } from '../../../src/runtime/worker.ts';
import type { LogObject } from '../../../src/runtime/worker/log-object.ts';
import { logObjectName } from '../../../src/runtime/worker/open-gateway.ts';
import type {
  Bindings,
  Bucket,
  ObjectId,
  ObjectNamespace,
  ObjectState,
} from '../../../src/runtime/worker/platform.ts';
import configuration from '../../../examples/cloudflare-worker/countersign.yaml';
import policy from '../../../examples/cloudflare-worker/policy.yaml';

/**
 * The example's Worker with handles for tests: what breaks, when the alarm rings, which object is asked. One of them has as many
 * logs as are asked for by a name in `test-log`: each in an object of its own that takes itself for the one there is, and with a
 * part of the bucket that it takes for the whole.
 */

type Fault = 'none' | 'not written' | 'written, answer lost';

const morePolicy = `
version: 1
name: more
rules:
  - id: what-the-tests-call
    effect: allow
    tools: ['files/read', 'notes/add']
    reason: So that something is allowed.
`;

const sources = {
  configuration: `${configuration.replace('[policy.yaml]', '[policy.yaml, more.yaml]')}
servers:
  files: { url: 'https://files.example.com/mcp' }
`,
  policies: { 'policy.yaml': policy, 'more.yaml': morePolicy },
};
const { worker } = countersignWorker(sources);

/** The bucket as the log of this object sees it. */
function bucketOf(id: ObjectId, { LOG, TILES }: Bindings): Bucket {
  const prefix = id.equals(LOG.idFromName(logObjectName)) ? '' : `${id.toString()}/`;
  return {
    get: (key) => TILES.get(prefix + key),
    put: (key, value, options) => TILES.put(prefix + key, value, options),
    delete: (keys) => TILES.delete(keys.map((key) => prefix + key)),
    async list(options) {
      const { objects, ...more } = await TILES.list({ ...options, prefix: prefix + options.prefix });
      return { ...more, objects: objects.map(({ key }) => ({ key: key.slice(prefix.length) })) };
    },
  };
}

/** Objects, of which this one is the log's. */
const withLog = (id: ObjectId, { LOG }: Bindings): ObjectNamespace => ({
  idFromName: (name) => (name === logObjectName ? id : LOG.idFromName(name)),
  get: (which) => LOG.get(which),
});

type TestState = ObjectState & {
  abort(reason: string): void;
  readonly storage: { getAlarm(): Promise<number | null>; deleteAll(): Promise<void> };
};

export class Log implements LogObject {
  readonly #state: TestState;
  readonly #env: Bindings;
  readonly #reported: string[] = [];
  #faults: Fault[] = [];
  #log: LogObject | undefined;

  constructor(state: TestState, env: Bindings) {
    this.#state = state;
    this.#env = env;
  }

  async fetch(request: Request): Promise<Response> {
    const { storage } = this.#state;
    switch (new URL(request.url).pathname) {
      case '/test/begin':
        this.#log = this.#begin((await request.json()) as Record<string, string>);
        return new Response(null, { status: 204 });
      case '/test/alarm':
        await this.alarm();
        return Response.json(this.#reported);
      case '/test/next-alarm':
        return Response.json(await storage.getAlarm());
      case '/test/fault':
        this.#faults = (await request.json()) as Fault[];
        return new Response(null, { status: 204 });
      case '/test/lose':
        await storage.deleteAll();
        return new Response(null, { status: 204 });
      case '/test/abort':
        this.#state.abort('The object is gone.');
        return new Response(null);
      default:
        this.#log ??= this.#begin({}, request.headers.has('test-object') ? this.#env.LOG : undefined);
        return this.#log.fetch(request);
    }
  }

  alarm(): Promise<void> {
    this.#log ??= this.#begin({});
    return this.#log.alarm();
  }

  #begin(bindings: Readonly<Record<string, string>>, objects?: ObjectNamespace): LogObject {
    const { Log: PlainLog } = countersignWorker({
      ...sources,
      report: (line) => this.#reported.push(line),
    });
    const { id } = this.#state;
    return new PlainLog(this.#state, {
      ...this.#env,
      ...bindings,
      LOG: objects ?? withLog(id, this.#env),
      TILES: this.#faulty(bucketOf(id, this.#env)),
    });
  }

  /** A bucket whose next writes fail as told. */
  #faulty(bucket: Bucket): Bucket {
    return {
      ...bucket,
      put: async (key, value, options) => {
        const fault = this.#faults.shift();
        if (fault === 'not written') throw new Error('The bucket is away.');
        const result = await bucket.put(key, value, options);
        if (fault === 'written, answer lost') throw new Error('The answer was lost.');
        return result;
      },
    };
  }
}

const testWorker = {
  async fetch(request: Request, env: Bindings): Promise<Response> {
    const object = request.headers.get('test-object');
    if (object !== null) return env.LOG.get(env.LOG.idFromName(object)).fetch(request);
    const id = env.LOG.idFromName(request.headers.get('test-log') ?? logObjectName);
    const own = { ...env, LOG: withLog(id, env), TILES: bucketOf(id, env) };
    switch (new URL(request.url).pathname) {
      case '/test/tiles':
        return Response.json((await own.TILES.list({ prefix: '' })).objects.map(({ key }) => key));
      case '/test/put': {
        const key = request.headers.get('test-key') ?? '';
        await own.TILES.put(key, new Uint8Array(await request.arrayBuffer()), {});
        return new Response(null, { status: 204 });
      }
      default:
        return worker.fetch(request, own);
    }
  },
};

export { testWorker as default };
