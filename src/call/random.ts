/** Bytes drawn from the platform at a time: one request costs about as much as hashing a call. */
const poolSize = 4096;

// Filled on first use: Workers refuse randomness while a module loads.
let pool = new Uint8Array(poolSize);
let used = poolSize;

/** Fresh cryptographically random bytes, at most 4096, the caller's own copy; none is ever handed out twice. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  if (used + length > poolSize) {
    pool = globalThis.crypto.getRandomValues(new Uint8Array(poolSize));
    used = 0;
  }
  const bytes = pool.slice(used, used + length);
  // What was handed out is a secret of its owner alone.
  pool.fill(0, used, used + length);
  used += length;
  return bytes;
}
