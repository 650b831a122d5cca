declare const relayBrand: unique symbol;

/** The bytes of a frame, line end included, that is established not to be a call: the only kind that is forwarded raw. */
export interface RelayFrame {
  readonly [relayBrand]: true;
  readonly bytes: Uint8Array;
}

const unused = new WeakSet<RelayFrame>();

/** Only `gateway/mcp/route.ts`, which decides what a frame is, may import this (a test holds it). */
export function mintRelayFrame(bytes: Uint8Array): RelayFrame {
  const frame = Object.freeze({ bytes }) as RelayFrame;
  unused.add(frame);
  return frame;
}

/** Uses the frame up. False when it is not genuine or was forwarded before. */
export function redeemRelayFrame(frame: RelayFrame): boolean {
  return unused.delete(frame);
}
