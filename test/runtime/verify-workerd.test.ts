import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleForWeb } from './verifier/bundle.ts';
import { expectSameAnswers } from './verifier/compare.ts';
import type { Answers, Cases } from './verifier/subject.ts';

/** The worker: cases come in as JSON, answers go out as JSON. */
const worker = `
import { answer } from './subject.ts';
const platform = () => [typeof process, typeof Buffer, navigator.userAgent];
export default {
  async fetch(request: Request): Promise<Response> {
    if (request.method === 'GET') return Response.json(platform());
    return Response.json(await answer(await request.json()));
  },
};
`;

const configurations = [
  // Compatibility with Node is on by default since 2026, and the verifier uses what it finds.
  { title: 'as it comes', flags: [], platform: ['object', 'function', 'Cloudflare-Workers'] },
  {
    title: 'where there is nothing of Node',
    flags: ['no_nodejs_compat', 'no_nodejs_compat_v2'],
    platform: ['undefined', 'undefined', 'Cloudflare-Workers'],
  },
];

let bundle: Awaited<ReturnType<typeof bundleForWeb>>;
beforeAll(async () => {
  bundle = await bundleForWeb(worker, 'workerd');
});

describe.each(configurations)('the verifier in workerd, $title', ({ flags, platform }) => {
  let workerd: Miniflare;
  const fetched: string[] = [];
  const ask = async (cases?: Cases): Promise<unknown> => {
    const response = await workerd.dispatchFetch(
      'http://verifier.test/',
      cases && { method: 'POST', body: JSON.stringify(cases) },
    );
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  };

  beforeAll(async () => {
    workerd = new Miniflare(
      convertV4MiniflareOptions({
        modules: [{ type: 'ESModule', path: 'worker.js', contents: bundle.code }],
        compatibilityDate: '2026-10-01',
        compatibilityFlags: flags,
        host: '127.0.0.1',
        port: 0,
        cf: false,
        // Whatever it asks of the network ends here.
        outboundService(request) {
          fetched.push(request.url);
          return new Response(null, { status: 502 });
        },
      }),
    );
    await workerd.ready;
  }, 300_000);
  afterAll(() => workerd.dispose(), 60_000);

  it('is bundled without a warning, and has the platform that this is about', async () => {
    expect(bundle.warnings).toEqual([]);
    expect(await ask()).toEqual(platform);
  });

  it('reports about every case exactly what it reports in Node', async () => {
    await expectSameAnswers(async (cases) => (await ask(cases)) as Answers);
  }, 300_000);

  it('asks the network for nothing', () => {
    expect(fetched).toEqual([]);
  });
});
