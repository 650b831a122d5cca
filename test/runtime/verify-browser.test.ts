import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium } from 'playwright-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { provideChromium } from '../support/chromium.ts';
import { bundleForWeb } from './verifier/bundle.ts';
import { expectSameAnswers } from './verifier/compare.ts';
import type { Answers, Cases } from './verifier/subject.ts';

const found = await provideChromium();
const title = 'the verifier in a browser';

if ('reason' in found) {
  describe.skip(`${title}: not run. ${found.reason}`, () => it('is the same as in Node'));
} else {
  describe(title, () => inBrowser(found.path));
}

/** The page: the verifier as a module. The cases are fetched, as they are larger than what the debugger's wire likes. */
const page = `
import { answer } from './subject.ts';
Object.assign(globalThis, { verifyAll: async () => answer(await (await fetch('/cases')).json()) });
`;

function inBrowser(executablePath: string): void {
  let server: Server;
  let tab: Page;
  let code = '';
  let cases: Cases = { reports: [], signatures: [] };
  const resources = new AsyncDisposableStack();
  const faults: string[] = [];
  const requested: string[] = [];

  beforeAll(async () => {
    const bundle = await bundleForWeb(page, 'browser');
    expect(bundle.warnings).toEqual([]);
    code = bundle.code;
    const files: Readonly<Record<string, () => readonly [type: string, body: string]>> = {
      '/': () => [
        'text/html',
        '<!doctype html><title>verifier</title><script type="module" src="/verifier.js"></script>',
      ],
      '/verifier.js': () => ['text/javascript', code],
      '/cases': () => ['application/json', JSON.stringify(cases)],
    };
    server = createServer((request, response) => {
      const file = files[request.url ?? ''];
      if (file === undefined) return response.writeHead(204).end(); // an icon, which every browser asks for
      const [type, body] = file();
      // No text may become code: a console that shows envelopes wants to forbid it.
      const policy = "default-src 'self'";
      return response.writeHead(200, { 'content-type': type, 'content-security-policy': policy }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    resources.defer(() => new Promise<void>((resolve) => server.close(() => resolve())));
    // Each launch has a new profile, which goes with it. Nothing of the browser's own may ask the network.
    const browser = await chromium.launch({
      executablePath,
      headless: true,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
      timeout: 240_000,
    });
    resources.defer(() => browser.close());
    tab = await browser.newPage();
    tab.setDefaultTimeout(240_000);
    tab.on('pageerror', (error) => faults.push(String(error)));
    tab.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    tab.on('request', (request) => requested.push(new URL(request.url()).host));
    await tab.goto(origin());
    await tab.waitForFunction('typeof verifyAll === "function"');
  }, 300_000);

  afterAll(() => resources.disposeAsync(), 60_000);

  const origin = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  it('has a secure context without anything of Node', async () => {
    const platform = '[isSecureContext, typeof process, typeof Buffer, typeof require]';
    expect(await tab.evaluate(platform)).toEqual([true, 'undefined', 'undefined', 'undefined']);
  });

  it('reports about every case exactly what it reports in Node', async () => {
    await expectSameAnswers(async (asked) => {
      cases = asked;
      return tab.evaluate<Answers>('verifyAll()');
    });
  }, 300_000);

  it('loads under a policy that lets no text become code, and asks for nothing from elsewhere', () => {
    expect(faults).toEqual([]);
    expect(new Set(requested)).toEqual(new Set([new URL(origin()).host]));
  });
}
