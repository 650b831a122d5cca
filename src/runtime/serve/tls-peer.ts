import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Peer } from '../../identity/principal.ts';

/** What a connection says of its other end. */
export type SocketPeer = Pick<Peer, 'address' | 'certificate' | 'chain'>;

const maxChain = 8;
const rememberedChains = 1_024;

/**
 * Tells who is at the other end of a socket. A connection has one certificate, and one array of its bytes, from its handshake to its
 * end.
 *
 * A ticket (RFC 8446 §2.2) brings back a client's certificate, and not what came with it: that is remembered by the certificate. What
 * is remembered says nothing by itself, since every path is verified.
 */
export function createPeerReader(): (socket: Socket) => SocketPeer {
  const known = new WeakMap<Socket, SocketPeer>();
  const chains = new Map<string, readonly Uint8Array[]>();

  const chainOf = (leaf: X509Certificate): readonly Uint8Array[] => {
    const name = leaf.fingerprint256;
    const sent = issuersIn(leaf);
    if (sent.length === 0) return chains.get(name) ?? [];
    const [oldest] = chains.keys();
    if (chains.size >= rememberedChains && oldest !== undefined) chains.delete(oldest);
    chains.set(name, sent);
    return sent;
  };
  const read = (socket: Socket): SocketPeer => {
    const address = { address: socket.remoteAddress };
    const leaf = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    return leaf === undefined
      ? address
      : { ...address, certificate: new Uint8Array(leaf.raw), chain: chainOf(leaf) };
  };

  return (socket) => {
    const peer = known.get(socket) ?? read(socket);
    known.set(socket, peer);
    return peer;
  };
}

/** What came with a certificate, in order. A root names itself. */
function issuersIn(leaf: X509Certificate): readonly Uint8Array[] {
  const issuers: Uint8Array[] = [];
  let at = leaf.issuerCertificate;
  for (; at !== undefined && issuers.length < maxChain; at = at.issuerCertificate) {
    issuers.push(new Uint8Array(at.raw));
    if (at.issuerCertificate?.fingerprint256 === at.fingerprint256) break;
  }
  return issuers;
}
