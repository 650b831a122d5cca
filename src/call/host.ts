/**
 * What Node does natively and several times faster than JavaScript can. It is asked for at run time and never imported, so
 * that the same file runs in workers and browsers, which do without.
 */
export interface HostBytes {
  utf8(text: string): Uint8Array<ArrayBuffer>;
  base64(bytes: Uint8Array): string;
  hex(bytes: Uint8Array): string;
  /** Lenient: any text gives some bytes, and the caller checks that they give the text again. */
  fromBase64(text: string): Uint8Array<ArrayBuffer>;
}

interface NodeBuffer extends Uint8Array<ArrayBuffer> {
  toString(encoding?: 'base64' | 'hex'): string;
}

interface Host {
  readonly Buffer?: {
    from(text: string, encoding: 'utf8' | 'base64'): NodeBuffer;
    from(buffer: ArrayBufferLike, offset: number, length: number): NodeBuffer;
  };
  readonly process?: {
    getBuiltinModule?(name: 'crypto'): {
      hash?(algorithm: 'sha256', bytes: Uint8Array, output: 'buffer'): NodeBuffer;
    };
  };
}

const host = globalThis as Host;
const NodeBuffer = host.Buffer;
const digest = host.process?.getBuiltinModule?.('crypto').hash;

/** SHA-256, or undefined where the runtime has none that is synchronous. */
export const hostSha256 = digest && ((bytes: Uint8Array) => plain(digest('sha256', bytes, 'buffer')));

/** Encoders and decoders, or undefined where the runtime has none. */
export const hostBytes: HostBytes | undefined = NodeBuffer && {
  utf8: (text) => plain(NodeBuffer.from(text, 'utf8')),
  base64: ({ buffer, byteOffset, length }) => NodeBuffer.from(buffer, byteOffset, length).toString('base64'),
  hex: ({ buffer, byteOffset, length }) => NodeBuffer.from(buffer, byteOffset, length).toString('hex'),
  fromBase64: (text) => plain(NodeBuffer.from(text, 'base64')),
};

/** A `Buffer` is no plain array of bytes: its `slice` does not copy. */
function plain({ buffer, byteOffset, length }: NodeBuffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, byteOffset, length);
}
