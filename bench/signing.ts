import { createTrustSystem } from '../src/pki/authority.ts';
import { ecdsaSigner, generateEcdsaKey } from '../src/pki/signer-node.ts';
import { createTimestampAuthority } from '../src/pki/timestamp.ts';

const rounds = 2_000;

/** Milliseconds that signing and timestamping one envelope takes by itself: two P-256 signatures and their frame. */
export async function measureSigning(): Promise<number> {
  const now = Date.now();
  const { timestamp } = await createTrustSystem({ trustDomain: 'bench.test', now: now - 60_000 });
  const authority = createTimestampAuthority({
    signer: ecdsaSigner(timestamp.privateKey),
    certificate: timestamp.certificate,
  });
  const { signer } = generateEcdsaKey();
  const payload = crypto.getRandomValues(new Uint8Array(2_048));
  const signOne = () => authority.stamp(signer.sign(payload), now);
  for (let i = 0; i < rounds / 10; i += 1) signOne();
  const before = performance.now();
  for (let i = 0; i < rounds; i += 1) signOne();
  return (performance.now() - before) / rounds;
}
