import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../../../src/call/bytes.ts';
import { createFramer } from '../../../src/gateway/mcp/framer.ts';
import type { Frame, FramerOptions } from '../../../src/gateway/mcp/framer.ts';

const text = new TextDecoder();
const shown = (frame: Frame): unknown =>
  frame.fault ? frame.fault.code : `${text.decode(frame.bytes)}|${JSON.stringify(frame.terminator)}`;

function framesOf(chunks: readonly (string | Uint8Array)[], options: Partial<FramerOptions> = {}): unknown[] {
  const framer = createFramer({ maxFrameBytes: 1000, lastLine: 'refuse', ...options });
  const frames = chunks.flatMap((chunk) => framer.push(typeof chunk === 'string' ? utf8(chunk) : chunk));
  return [...frames, ...framer.end()].map(shown);
}

describe('the framer', () => {
  it('cuts at line feeds and keeps how a line ended', () => {
    expect(framesOf(['{"a":1}\n{"b":2}\r\n'])).toEqual(['{"a":1}|"\\n"', '{"b":2}|"\\r\\n"']);
  });

  it('drops blank lines', () => {
    expect(framesOf(['\n\r\n \t\n{}\n  '])).toEqual(['{}|"\\n"']);
  });

  it.each([
    ['a carriage return inside', 'ping\rtools/call\n'],
    ['a carriage return in front', '\r{}\n'],
    ['two carriage returns at the end', '{}\r\r\n'],
    ['a carriage return between blanks', ' \r \n'],
    ['a byte order mark', '\ufeff{}\n'],
  ])('refuses a line with %s, and goes on', (_, line) => {
    expect(framesOf([line, '{}\n'])).toEqual(['FRAME_INVALID', '{}|"\\n"']);
  });

  it.each([
    ['an overlong slash', [0xc0, 0xaf]],
    ['half a character', [0xf0, 0x9f, 0x98]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00]],
  ])('refuses bytes that are not UTF-8: %s', (_, bytes) => {
    expect(framesOf([Uint8Array.from(bytes), '\n{}\n'])).toEqual(['FRAME_INVALID', '{}|"\\n"']);
  });

  it('cuts at no other line separator of any standard', () => {
    expect(framesOf(['a\u2028b\u2029c\u0085d\v\f\x1ee\n'])).toHaveLength(1);
  });

  it('refuses a line that is too long once, and skips to its end', () => {
    const chunks = ['123456', '7890', '1234567\n', '{}\n'];
    expect(framesOf(chunks, { maxFrameBytes: 8 })).toEqual(['TOO_LARGE', '{}|"\\n"']);
    expect(framesOf(['123456789\n12345678\n'], { maxFrameBytes: 8 })).toEqual([
      'TOO_LARGE',
      '12345678|"\\n"',
    ]);
    expect(framesOf(['123456789'], { maxFrameBytes: 8, lastLine: 'deliver' })).toEqual(['TOO_LARGE']);
  });

  it('refuses a last line without its end, or delivers it, as it is told', () => {
    expect(framesOf(['{}\n{"a":'])).toEqual(['{}|"\\n"', 'FRAME_INVALID']);
    expect(framesOf(['{}\n[]'], { lastLine: 'deliver' })).toEqual(['{}|"\\n"', '[]|""']);
    expect(framesOf(['{}\r'], { lastLine: 'deliver' })).toEqual(['FRAME_INVALID']);
  });

  it('gives the same frames however the stream was cut into chunks', () => {
    const piece = fc.constantFrom('{}', 'é', '😀', '\n', '\r\n', '\r', ' ', '\ufeff', 'x'.repeat(20), '\n\n');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat({ max: 7 })), (pieces, cuts) => {
        const bytes = utf8(pieces.join(''));
        const chunks: Uint8Array[] = [];
        let from = 0;
        for (const cut of cuts) chunks.push(bytes.subarray(from, (from += cut)));
        chunks.push(bytes.subarray(from));
        const options = { maxFrameBytes: 30, lastLine: 'deliver' } as const;
        expect(framesOf(chunks, options)).toEqual(framesOf([bytes], options));
      }),
    );
  });

  it('loses no byte of lines that it delivers', () => {
    const line = fc.string({ unit: 'grapheme' }).filter((value) => !/[\r\n]|^\s*$|^\ufeff/.test(value));
    fc.assert(
      fc.property(fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n'))), (lines) => {
        const bytes = utf8(lines.flat().join(''));
        const frames = createFramer({ maxFrameBytes: 10_000, lastLine: 'refuse' }).push(bytes);
        const back = frames.flatMap((frame) => (frame.fault ? [] : [frame.bytes, utf8(frame.terminator)]));
        expect(concatBytes(...back)).toEqual(bytes);
      }),
    );
  });

  it('hands out bytes that nothing later in the stream or its buffers can change', () => {
    const framer = createFramer({ maxFrameBytes: 1000, lastLine: 'refuse' });
    // Node's `Buffer.slice` shares memory with its chunk, unlike that of `Uint8Array`.
    const chunk = Buffer.from('{"a":1}\n{"b"');
    const [first] = framer.push(chunk);
    chunk.fill(0x78);
    framer.push(utf8(':2}\n{"c":3}\n'));
    expect(first && shown(first)).toBe('{"a":1}|"\\n"');
    if (!first || first.fault) return expect.unreachable();
    expect(first.bytes.constructor).toBe(Uint8Array);
    expect(first.bytes.buffer.byteLength).toBe(7);
  });

  it('takes linear time for a long line in chunks of one byte', () => {
    const framer = createFramer({ maxFrameBytes: 1_000_000, lastLine: 'refuse' });
    const byte = utf8('x');
    for (let i = 0; i < 500_000; i++) framer.push(byte);
    const [frame] = framer.push(utf8('\n'));
    expect(frame && !frame.fault && frame.bytes.length).toBe(500_000);
  });
});
