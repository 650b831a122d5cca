import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/sha256.ts';
import { relayPattern } from '../../src/gateway/mcp/methods.ts';
import type { Route } from '../../src/gateway/mcp/route.ts';
import { classify } from '../../src/gateway/mcp/message.ts';
import { routeMessage } from '../../src/gateway/mcp/route.ts';
import type { RelayFrame } from '../../src/targets/mcp-relay-frame.ts';
import { redeemRelayFrame } from '../../src/targets/mcp-relay-frame.ts';

const everything = [relayPattern('*')].flatMap((pattern) => pattern ?? []);
const route = (text: string): Route => routeMessage(classify(utf8(text)), everything, () => true);

function framesOf(of: Route): readonly RelayFrame[] {
  if (of.kind === 'split-batch') return of.routes.flatMap(framesOf);
  return of.kind === 'relay' || of.kind === 'whole-batch' ? [of.frame] : [];
}

const governed = new Set([
  'tools/call',
  'resources/read',
  'resources/subscribe',
  'prompts/get',
  'completion/complete',
]);

/** Whether any honest parser could find a call in it: first or last key wins, keys in any case, methods in any case. */
function couldBeCall(text: string): boolean {
  const methods = [...text.matchAll(/"((?:[^"\\]|\\.)*)"\s*:\s*"((?:[^"\\]|\\.)*)"/g)]
    .map(([, key, value]) => [JSON.parse(`"${key}"`) as string, JSON.parse(`"${value}"`) as string])
    .filter(([key]) => key?.toLowerCase() === 'method')
    .map(([, value]) => value?.toLowerCase() ?? '');
  return methods.some((method) => governed.has(method));
}

const key = fc.constantFrom(
  '"jsonrpc"',
  '"id"',
  '"method"',
  '"Method"',
  '"METHOD"',
  '"\\u006dethod"',
  '"params"',
  '"result"',
  '"x"',
);
const value = fc.constantFrom(
  '"2.0"',
  '1',
  '"a"',
  'null',
  '{}',
  '[]',
  '"ping"',
  '"tools/call"',
  '"Tools/Call"',
  '"tools\\/call"',
  '"tools/c\\u0061ll"',
  '"resources/read"',
  '"evil/run"',
  '{"name":"say","arguments":{}}',
  '{"uri":"file:///x"}',
);
const member = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '"jsonrpc":"2.0"',
      '"id":1',
      '"method":"ping"',
      '"method":"tools/call"',
      '"params":{"name":"say"}',
    ),
  },
  { weight: 1, arbitrary: fc.tuple(key, value).map(([name, of]) => `${name}:${of}`) },
);
const message = fc.array(member, { minLength: 1, maxLength: 6 }).map((members) => `{${members.join(', ')}}`);
const frame = fc.oneof(
  message,
  fc.array(message, { maxLength: 4 }).map((messages) => `[${messages.join(',')}]`),
);

describe('a frame that passes raw', () => {
  it('holds no call for any parser, however members repeat, twin or hide in a batch', () => {
    fc.assert(
      fc.property(frame, (text) => {
        for (const { bytes } of framesOf(route(`${text}\n`))) {
          expect(couldBeCall(new TextDecoder().decode(bytes))).toBe(false);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('is genuine once', () => {
    const [relayed] = framesOf(route('{"jsonrpc":"2.0","id":1,"method":"ping"}\n'));
    expect(relayed && redeemRelayFrame(relayed)).toBe(true);
    expect(relayed && redeemRelayFrame(relayed)).toBe(false);
  });

  it('is of a batch only if all of it passes', () => {
    const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
    expect(route(`[${ping}]\n`)).toMatchObject({ kind: 'whole-batch' });
    expect(
      route(`[${ping},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"x"}}]\n`),
    ).toMatchObject({
      kind: 'split-batch',
      routes: [{ kind: 'relay' }, { kind: 'call', shape: { tool: 'x' } }],
    });
    expect(route(`[[${ping}]]\n`)).toMatchObject({ kind: 'split-batch', routes: [{ kind: 'refused' }] });
  });
});

describe('a call', () => {
  it.each([
    ['tools/call', '{"name":"x"}', 'x'],
    ['resources/read', '{"uri":"file:///x"}', 'resources:read'],
    ['resources/subscribe', '{"uri":"file:///x"}', 'resources:read'],
    ['prompts/get', '{"name":"x"}', 'prompts:get'],
    ['completion/complete', '{"ref":{"type":"ref/prompt","name":"x"},"argument":{}}', 'completion:complete'],
  ])('is whatever makes the server work: %s', (method, params, tool) => {
    const text = `{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}\n`;
    expect(route(text)).toMatchObject({ kind: 'call', shape: { tool } });
  });
});
