import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/call/bytes.ts';
import { eraOf } from '../../../src/gateway/mcp/era.ts';
import { classify } from '../../../src/gateway/mcp/message.ts';
import type { CallMethod } from '../../../src/gateway/mcp/methods.ts';
import { readParams } from '../../../src/gateway/mcp/params.ts';

function request(method: string, params: string | undefined) {
  const members = params === undefined ? '' : `,"params":${params}`;
  const message = classify(utf8(`{"jsonrpc":"2.0","id":1,"method":"${method}"${members}}`));
  if (message.kind !== 'request') throw new Error(`not a request: ${params}`);
  return message;
}

function read(method: CallMethod, params?: string): unknown {
  const message = request(method, params);
  const reading = readParams(method, message.params, message.parsed);
  if (reading.kind === 'refused') return reading.error.code;
  return reading.kind === 'call' ? { tool: reading.shape.tool, arguments: reading.shape.arguments } : 'relay';
}

describe('what a call asks for', () => {
  it.each<[CallMethod, string, string, object]>([
    ['tools/call', '{"name":"write","arguments":{"path":"a"}}', 'write', { path: 'a' }],
    ['tools/call', '{"name":"now"}', 'now', {}],
    ['tools/call', '{"name":"now","arguments":null}', 'now', {}],
    ['tools/call', '{"name":"now","task":{"ttl":1},"_meta":{"a":1}}', 'now', {}],
    ['resources/read', '{"uri":"file:///a"}', 'resources:read', { uri: 'file:///a' }],
    ['resources/directory/read', '{"uri":"file:///"}', 'resources:read', { uri: 'file:///' }],
    ['resources/subscribe', '{"uri":"file:///a"}', 'resources:read', { uri: 'file:///a' }],
    ['prompts/get', '{"name":"p"}', 'prompts:get', { name: 'p', arguments: {} }],
    [
      'prompts/get',
      '{"name":"p","arguments":{"a":"b"}}',
      'prompts:get',
      { name: 'p', arguments: { a: 'b' } },
    ],
    [
      'completion/complete',
      '{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"v"}}',
      'completion:complete',
      { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: 'v' } },
    ],
    [
      'completion/complete',
      '{"ref":{},"argument":{},"context":{"arguments":{"x":"y"}}}',
      'completion:complete',
      { ref: {}, argument: {}, context: { arguments: { x: 'y' } } },
    ],
    [
      'subscriptions/listen',
      '{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["file:///a","file:///b"]}}',
      'resources:read',
      { uris: ['file:///a', 'file:///b'] },
    ],
  ])('by %s with %s', (method, params, tool, args) => {
    expect(read(method, params)).toEqual({ tool, arguments: args });
  });

  it('is nothing of a listener that names no resource', () => {
    expect(read('subscriptions/listen', '{"notifications":{"toolsListChanged":true}}')).toBe('relay');
    expect(read('subscriptions/listen', '{"notifications":{"resourceSubscriptions":[]}}')).toBe('relay');
  });

  it('comes as objects without a prototype', () => {
    const message = request('prompts/get', '{"name":"p","arguments":{"__proto__":"x"}}');
    const reading = readParams('prompts/get', message.params, message.parsed);
    if (reading.kind !== 'call') return expect.unreachable();
    expect(Object.getPrototypeOf(reading.shape.arguments)).toBeNull();
    expect(Object.keys(reading.shape.arguments['arguments'] as object)).toEqual(['__proto__']);
  });
});

describe('params that two parsers could read differently are refused', () => {
  it.each([
    ['a repeated name', '{"name":"read","name":"write"}'],
    ['repeated arguments', '{"name":"x","arguments":{},"arguments":{"a":1}}'],
    ['a repeated argument', '{"name":"x","arguments":{"path":"a","path":"b"}}'],
    ['a repeated key deep inside', '{"name":"x","arguments":{"a":[{"b":{"c":1,"c":2}}]}}'],
    ['case twins', '{"name":"x","arguments":{"path":"a","PATH":"b"}}'],
    ['case twins beyond ASCII', '{"name":"x","arguments":{"key":"a","\u212aey":"b"}}'],
    ['a lone surrogate', '{"name":"x","arguments":{"path":"\\ud800"}}'],
    ['a big integer', '{"name":"x","arguments":{"n":12345678901234567890}}'],
    ['an overflow', '{"name":"x","arguments":{"n":1e999}}'],
    ['a repeated key of _meta', '{"name":"x","_meta":{"a":1,"a":2}}'],
    ['a big integer in inputResponses', '{"name":"x","inputResponses":{"a":9007199254740993}}'],
    ['arguments in another case alone', '{"name":"x","Arguments":{"path":"/etc/passwd"}}'],
    ['a request state in another case', '{"name":"x","RequestState":"s"}'],
    ['a name in another case alone', '{"NAME":"x"}'],
    ['a key with a long s', '{"name":"x","argument\u017f":{}}'],
  ])('%s', (_, params) => {
    expect(read('tools/call', params)).toBe('ARGUMENTS_AMBIGUOUS');
  });

  it('subscriptions in another case', () => {
    const filter = '{"notifications":{"ResourceSubscriptions":["file:///a"]}}';
    expect(read('subscriptions/listen', filter)).toBe('ARGUMENTS_AMBIGUOUS');
  });

  it('only where the ambiguity is theirs: beside them it is none of their business', () => {
    const message = classify(
      utf8('{"jsonrpc":"2.0","id":1,"x":{"a":1,"a":2},"method":"tools/call","params":{"name":"x"}}'),
    );
    if (message.kind !== 'request') return expect.unreachable();
    expect(readParams('tools/call', message.params, message.parsed).kind).toBe('call');
  });
});

describe('params that a method does not take are refused', () => {
  it.each<[CallMethod, string | undefined]>([
    ['tools/call', undefined],
    ['tools/call', 'null'],
    ['tools/call', '{}'],
    ['tools/call', '{"name":""}'],
    ['tools/call', '{"name":7}'],
    ['tools/call', '{"name":"x","arguments":[]}'],
    ['tools/call', '{"name":"x","arguments":"{}"}'],
    ['resources/read', '{"uri":["a"]}'],
    ['resources/subscribe', '{}'],
    ['prompts/get', '{"arguments":{}}'],
    ['prompts/get', '{"name":"x","arguments":1}'],
    ['completion/complete', '{"ref":"x","argument":{}}'],
    ['completion/complete', '{"ref":{}}'],
    ['subscriptions/listen', '{}'],
    ['subscriptions/listen', '{"notifications":{"resourceSubscriptions":"file:///a"}}'],
    ['subscriptions/listen', '{"notifications":{"resourceSubscriptions":[1]}}'],
  ])('%s with %s', (method, params) => {
    expect(read(method, params)).toBe('FRAME_INVALID');
  });

  it.each(['resources:read', 'prompts:get', 'completion:complete'])(
    'a tool that is named %s would get what policy allows the method',
    (name) => {
      expect(read('tools/call', `{"name":"${name}"}`)).toBe('TOOL_UNKNOWN');
    },
  );
});

describe('the era of a message', () => {
  it.each([
    ['{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}', 'modern'],
    ['{"_meta":{"io.modelcontextprotocol/protocolVersion":7}}', 'legacy'],
    ['{"_meta":{"progressToken":1}}', 'legacy'],
    ['{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}', 'legacy'],
    [undefined, 'legacy'],
  ])('%s is %s', (params, era) => {
    expect(eraOf(request('tools/call', params).params)).toBe(era);
  });
});
