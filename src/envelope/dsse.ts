import { concatBytes, utf8 } from '../call/bytes.ts';

const space = ' ';

/**
 * DSSE v1 pre-authentication encoding: the only bytes that are ever signed. Lengths stand before what they measure, so
 * no payload can be read as another type.
 */
export function pae(payloadType: string, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const type = utf8(payloadType);
  const head = ['DSSEv1', type.length, payloadType, payload.length, ''].join(space);
  return concatBytes(utf8(head), payload);
}
