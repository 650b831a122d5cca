import { readdirSync } from 'node:fs';
import { vector, verifierCase } from './case.ts';
import type { VerifierCase } from './subject.ts';

/** The envelope that others made, every tampered copy of it, and the ways to ask about it. */
export function vectorCases(): VerifierCase[] {
  const trust = vector('trusted_root.json');
  const identity = 'spiffe://example.org/governor/gw-1';
  const action = vector('action.json');
  const rejects = readdirSync(new URL('../../vectors/envelope/reject/', import.meta.url)).sort();
  const [v02, v03] = [vector('bundle02.json'), vector('bundle03.json')];
  return [
    verifierCase('bundle02.json', trust, v02),
    verifierCase('bundle03.json', trust, v03),
    verifierCase('both, for their identity and action', trust, [v02, v03], { identity, action }),
    verifierCase('for another identity', trust, v02, { identity: `${identity}1` }),
    verifierCase('with another action', trust, v02, { action: '{"args":{}}' }),
    verifierCase('as an ALLOW', trust, v02, { expect: 'allow' }),
    verifierCase('as a DENY', trust, v02, { expect: 'deny' }),
    ...rejects.map((name) => verifierCase(`reject/${name}`, trust, vector(`reject/${name}`))),
    verifierCase(
      'all of them at once',
      trust,
      rejects.map((name) => vector(`reject/${name}`)),
    ),
  ];
}
