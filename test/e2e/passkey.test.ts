import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { provideChromium } from '../support/chromium.ts';
import { countersignHere } from '../support/home.ts';
import { serveConfig, type ServedConfig } from '../support/served-config.ts';

const found = await provideChromium();
const title = 'a call that is approved with a passkey, in a browser';

const policy = `version: 1
name: bank
rules:
  - id: pay
    effect: allow
    tools: ['actions/pay']
    obligations: [{ type: approval, from: 'role:lead', by: passkey }]
`;

describe.skipIf('reason' in found)(title, () => {
  it('runs once, after the person saw it; verify says whose key signed it', async () => {
    await using resources = new AsyncDisposableStack();
    const paid: string[] = [];
    const bank = createServer((request, response) => {
      request.setEncoding('utf8').on('data', (chunk: string) => paid.push(chunk));
      request.on('end', () =>
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"paid":true}'),
      );
    });
    await new Promise<void>((resolve) => bank.listen(0, '127.0.0.1', resolve));
    resources.defer(() => new Promise<void>((resolve) => bank.close(() => resolve())));
    let configuration = '';
    const gateway = resources.use(
      await serveConfig({
        policy,
        configuration: (url) =>
          (configuration = `version: 1
policies: [policy.yaml]
approvals: { origin: "http://localhost:${new URL(url).port}" }
actions:
  pay:
    parameters: { type: object, properties: { to: { type: string }, amount: { type: number } } }
    request: { url: "http://127.0.0.1:${(bank.address() as AddressInfo).port}/" }
`),
      }),
    );
    const { root } = gateway.home.layout;
    const run = (...args: string[]) => countersignHere({ env: { COUNTERSIGN_HOME: root, HOME: root }, args });
    const given = { to: 'ada\u202e<img src=x onerror=alert(1)>', amount: 10 };
    const denied = await pay(gateway, given);
    expect(denied.status).toBe(403);
    const id = /\b[a-z2-7]{16}\b/.exec(denied.text)?.[0] ?? '';

    writeFileSync(join(root, 'gateway.yaml'), configuration);
    const person = ['--issuer', 'https://idp.example.org', '--subject', 'lea', '--role', 'lead'];
    const added = await run(
      'approver',
      'add',
      'lea-key',
      ...person,
      '--config',
      join(root, 'gateway.yaml'),
      '--json',
    );
    const { link } = JSON.parse(added.stdout) as { link: string };
    const { page, faults } = await openBrowser(resources);
    await page.goto(link);
    await page.getByText('lea of https://idp.example.org').waitFor();
    expect(new URL(page.url()).hash).toBe('');
    await page.click('#start');
    await page.getByText('is registered').waitFor();
    expect((await run('approver', 'list')).stdout).toMatch(
      /lea-key {2}lea of .* {2}role:lead\n.*passkey since/,
    );

    await page.goto(`${new URL(link).origin}/approve#${id}`);
    expect(await page.locator('section').count()).toBe(0);
    await page.click('#start');
    await page.getByText('Read each call').waitFor();
    const shown = (await page.locator('pre').textContent()) ?? '';
    expect(shown).toContain('ada\\u{202e}<img src=x');
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.getByText('/to: ').textContent()).toContain('\\u{202e}');
    await page.getByRole('button', { name: 'Approve this call, once' }).click();
    await page.getByText('The request is now approved.').waitFor();
    expect(faults).toEqual([]);

    const done = await pay(gateway, given);
    expect([done.status, paid]).toEqual([200, [JSON.stringify(given)]]);
    expect((await pay(gateway, given)).status).toBe(403);
    const file = join(root, 'paid.json');
    writeFileSync(file, done.text);
    const verified = await run('verify', '--trust', gateway.home.layout.trustedRoot, file);
    expect(verified.stdout).toMatch(/approved\s+for rule pay by lea .*passkey/);
    expect(verified.code).toBe(0);
    const tree = join(root, 'tree');
    expect((await run('log', 'export', tree)).code).toBe(0);
    const audited = await run('audit', tree, '--trust', gateway.home.layout.trustedRoot);
    expect([audited.code, audited.stdout]).toEqual([0, expect.not.stringContaining('APPROVAL_')]);
  }, 60_000);
});

async function pay({ url, apiKey }: ServedConfig, given: object) {
  const response = await fetch(`${url}/actions/pay`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(given),
  });
  return { status: response.status, text: await response.text() };
}

/** A browser whose owner has an authenticator, and says yes to it. */
async function openBrowser(resources: AsyncDisposableStack): Promise<{ page: Page; faults: string[] }> {
  if ('reason' in found) throw new Error(found.reason);
  const browser = await chromium.launch({
    executablePath: found.path,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
  resources.defer(() => browser.close());
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { page, faults };
}
