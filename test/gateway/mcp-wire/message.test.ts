import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/call/bytes.ts';
import { classify } from '../../../src/gateway/mcp/message.ts';
import type { Message } from '../../../src/gateway/mcp/message.ts';

const of = (text: string): Message => classify(utf8(text));
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const codeOf = (message: Message): string => (message.kind === 'refusal' ? message.error.code : message.kind);

const rpc = (members: string): string => `{"jsonrpc":"2.0",${members}}`;

describe('what a frame is', () => {
  it.each([
    ['request', '"id":1,"method":"ping"'],
    ['request', '"id":"a","method":"tools/call","params":{"name":"x"}'],
    ['request', '"id":1,"method":"ping","params":null'],
    ['request', '"id":1,"method":"ping","extra":{"kept":true}'],
    ['notification', '"method":"notifications/initialized"'],
    ['response', '"id":1,"result":{}'],
    ['response', '"id":"1","error":{"code":-32601,"message":"no"}'],
    ['response', '"id":null,"error":{"code":-32700,"message":"no"}'],
    ['response', '"error":{"code":-32700,"message":"no"}'],
  ])('%s: %s', (kind, members) => {
    expect(codeOf(of(rpc(members)))).toBe(kind);
  });

  it('is known with its parts', () => {
    const message = of(rpc('"id": 7 ,"method":"tools\\/call","params": {"name":"x"}'));
    if (message.kind !== 'request') return expect.unreachable();
    expect(message.method).toBe('tools/call');
    expect(text(message.id.raw)).toBe('7');
    expect(text(message.frame.subarray(message.params!.start, message.params!.end))).toBe('{"name":"x"}');
    expect(message.params!.value).toEqual({ name: 'x' });
  });
});

describe('an id', () => {
  const idOf = (lexeme: string) => {
    const message = of(rpc(`"id":${lexeme},"method":"ping"`));
    return message.kind === 'request' ? { raw: text(message.id.raw), key: message.id.key } : codeOf(message);
  };
  const keyOf = (lexeme: string) => {
    const id = idOf(lexeme);
    return typeof id === 'string' ? id : id.key;
  };

  it('is echoed as it was written and compared by its value', () => {
    expect(idOf('1.0')).toEqual({ raw: '1.0', key: keyOf('1') });
    expect(idOf('1e2')).toEqual({ raw: '1e2', key: keyOf('100') });
    expect(idOf('"\\u0061"')).toEqual({ raw: '"\\u0061"', key: keyOf('"a"') });
    expect(keyOf('-0')).toBe(keyOf('0'));
  });

  it('is never a string and a number at once', () => {
    expect(keyOf('"1"')).not.toBe(keyOf('1'));
    expect(keyOf('"n:1"')).not.toBe(keyOf('1'));
    expect(keyOf('"s:a"')).not.toBe(keyOf('"a"'));
  });

  it.each([
    ['null', 'FRAME_INVALID'],
    ['true', 'FRAME_INVALID'],
    ['{}', 'FRAME_INVALID'],
    ['[1]', 'FRAME_INVALID'],
    ['1.5', 'FRAME_INVALID'],
    ['9007199254740992', 'FRAME_INVALID'],
    ['9007199254740993', 'MESSAGE_AMBIGUOUS'],
    ['1e400', 'MESSAGE_AMBIGUOUS'],
    ['1e-400', 'MESSAGE_AMBIGUOUS'],
    ['"\\ud800"', 'MESSAGE_AMBIGUOUS'],
  ])('%s is refused', (lexeme, code) => {
    expect(keyOf(lexeme)).toBe(code);
  });

  it('holds no reference into the frame', () => {
    const frame = utf8(rpc('"id":"abc","method":"ping"'));
    const message = classify(frame);
    frame.fill(0);
    expect(message.kind === 'request' && text(message.id.raw)).toBe('"abc"');
  });
});

describe('a message that two parsers could take for two', () => {
  it.each([
    ['two methods', '"id":1,"method":"ping","method":"tools/call"'],
    ['two methods, one escaped', '"id":1,"method":"ping","\\u006dethod":"tools/call"'],
    ['a case twin of the method', '"id":1,"method":"ping","Method":"tools/call"'],
    ['a case twin in front', '"METHOD":"tools/call","id":1,"method":"ping"'],
    ['another case alone', '"id":1,"Method":"tools/call"'],
    ['params in another case alone', '"id":1,"method":"ping","Params":{"name":"x"}'],
    ['an id in another case alone', '"method":"ping","ID":1'],
    ['a result with a long s', '"id":1,"method":"ping","re\u017fult":{}'],
    ['two params', '"id":1,"method":"ping","params":{},"params":{"a":1}'],
    ['two ids', '"id":1,"id":2,"method":"ping"'],
    ['two versions', '"jsonrpc":"2.0","id":1,"method":"ping"'],
    ['two results', '"id":1,"result":{},"result":{}'],
    ['two errors', '"id":1,"error":{},"error":{}'],
    ['a result and an error', '"id":1,"result":{},"error":{}'],
    ['a method and a result', '"id":1,"method":"ping","result":{}'],
    ['a method and an error', '"id":1,"method":"ping","error":{}'],
    ['a method that is no text', '"id":1,"method":"\\udead"'],
  ])('is refused: %s', (_, members) => {
    expect(codeOf(of(rpc(members)))).toBe('MESSAGE_AMBIGUOUS');
  });

  it('is not one whose params merely hold such keys', () => {
    expect(codeOf(of(rpc('"id":1,"method":"ping","params":{"method":1,"Method":2}')))).toBe('request');
  });

  it('never says which id its answer has, where the id is what is there twice', () => {
    const message = of(rpc('"id":1,"id":2,"method":"ping"'));
    expect(message.kind === 'refusal' && message.id).toBeUndefined();
  });
});

describe('a message that is none', () => {
  it.each([
    ['a string', '"ping"'],
    ['a number', '1'],
    ['null', 'null'],
    ['an empty object', '{}'],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"ping"}'],
    ['a version that is a number', '{"jsonrpc":2.0,"id":1,"method":"ping"}'],
    ['no version', '{"id":1,"method":"ping"}'],
    ['a method that is a number', rpc('"id":1,"method":1')],
    ['a method that is null', rpc('"id":1,"method":null')],
    ['params that are a list', rpc('"id":1,"method":"ping","params":[1]')],
    ['params that are a string', rpc('"id":1,"method":"ping","params":"x"')],
    ['nothing but an id', rpc('"id":1')],
    ['a result without an id', rpc('"result":{}')],
    ['a result whose id is null', rpc('"id":null,"result":{}')],
    ['an empty batch', '[]'],
  ])('is refused as such: %s', (_, frame) => {
    const message = of(frame);
    expect(codeOf(message)).toBe('FRAME_INVALID');
    expect(message.kind === 'refusal' && message.wasJson).toBe(true);
  });

  it('is told from one that is not JSON, and keeps an id that is clear', () => {
    expect(of('{"jsonrpc":')).toMatchObject({
      kind: 'refusal',
      wasJson: false,
      error: { code: 'FRAME_INVALID' },
    });
    expect(of('['.repeat(200))).toMatchObject({
      kind: 'refusal',
      wasJson: false,
      error: { code: 'TOO_LARGE' },
    });
    expect(of(rpc('"id":"q","method":7'))).toMatchObject({ kind: 'refusal', id: { key: 's:q' } });
  });

  it('never makes the classifier throw', () => {
    const frame = fc.oneof(
      fc.json(),
      fc.string(),
      fc.json().map((json) => rpc(`"id":${json},"method":"x"`)),
    );
    fc.assert(fc.property(frame, (value) => void expect(() => of(value)).not.toThrow()));
  });
});

describe('a batch', () => {
  const call = rpc('"id":1,"method":"tools/call","params":{"name":"é"}');

  it('is its elements, each with its own bytes', () => {
    const message = of(` [ ${call} , ${rpc('"method":"x"')},7,[${call}]]`);
    if (message.kind !== 'batch') return expect.unreachable();
    expect(message.elements.map(codeOf)).toEqual([
      'request',
      'notification',
      'FRAME_INVALID',
      'FRAME_INVALID',
    ]);
    const [first] = message.elements;
    if (first?.kind !== 'request') return expect.unreachable();
    expect(text(first.bytes)).toBe(call);
    expect(text(first.frame.subarray(first.params!.start, first.params!.end))).toBe('{"name":"é"}');
  });

  it('does not let the ambiguity of one element spoil another', () => {
    const message = of(`[${rpc('"id":1,"method":"a","method":"b"')},${call}]`);
    expect(message.kind === 'batch' && message.elements.map(codeOf)).toEqual([
      'MESSAGE_AMBIGUOUS',
      'request',
    ]);
  });
});
