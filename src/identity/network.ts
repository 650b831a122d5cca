import ipaddr from 'ipaddr.js';
import { CountersignError } from '../errors.ts';
import type { Network, Peer } from './principal.ts';

/** The zone of whoever is in none that is configured. */
export const unknownZone = 'unknown';

export interface NetworkOptions {
  /** CIDR blocks by name of zone. */
  readonly zones: ReadonlyMap<string, readonly string[]>;
  /** CIDR blocks of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
}

/** Where somebody calls from, and how that is known. */
export interface Location extends Network {
  readonly source: 'socket' | 'trusted-proxy';
}

export interface NetworkMap {
  readonly locate: (peer: Peer) => Location;
  /** Whether the socket's other end is a trusted proxy: what its headers say of others counts, and what it is itself does not. */
  readonly isTrustedProxy: (peer: Peer) => boolean;
  /** Whether the peer is within one of these CIDR blocks. False for one whose address is not known, and for a block that is none. */
  readonly isWithin: (peer: Peer, cidrs: readonly string[]) => boolean;
  /** Whether there are zones, so that where somebody is says something. */
  readonly hasZones: boolean;
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

interface Block {
  readonly base: Address;
  readonly bits: number;
}

/** Proxies behind one another, at most. */
const maxHops = 32;

/** Reads the configured blocks once. Throws CONFIG_INVALID for one that is none, and for one that two zones claim. */
export function createNetworkMap({ zones, trustedProxies }: NetworkOptions): NetworkMap {
  const proxies = trustedProxies.map(requireBlock);
  const zoned = zoneBlocks(zones);
  const kept = new Map<string, Block | undefined>();

  const blockOf = (cidr: string): Block | undefined => {
    if (!kept.has(cidr)) kept.set(cidr, parseBlock(cidr));
    return kept.get(cidr);
  };

  return {
    hasZones: zones.size > 0,
    isTrustedProxy({ address }) {
      const socket = address === undefined ? undefined : parseAddress(address);
      return socket !== undefined && isIn(socket, proxies);
    },
    locate(peer) {
      const { address, source } = origin(peer, proxies);
      return {
        ...(address && { ip: address.toString() }),
        zone: address === undefined || isIn(address, proxies) ? unknownZone : zoneOf(address, zoned),
        source,
      };
    },
    isWithin(peer, cidrs) {
      const { address } = origin(peer, proxies);
      if (address === undefined || isIn(address, proxies)) return false;
      return cidrs.some((cidr) => {
        const block = blockOf(cidr);
        return block !== undefined && covers(block, address);
      });
    },
  };
}

/**
 * Starts at the socket's other end, and goes from right to left through `X-Forwarded-For` as long as whoever wrote an entry is a
 * trusted proxy. What stands further left anybody may have written. Ends at a proxy when that did not say whom it serves.
 */
function origin(
  { address: socket, forwardedFor }: Peer,
  proxies: readonly Block[],
): { readonly address: Address | undefined; readonly source: Location['source'] } {
  let address = socket === undefined ? undefined : parseAddress(socket);
  if (address === undefined || !isIn(address, proxies)) return { address, source: 'socket' };
  const hops = forwardedFor === undefined ? [] : forwardedFor.split(',');
  if (hops.length > maxHops) return { address: undefined, source: 'trusted-proxy' };
  while (hops.length > 0 && address !== undefined && isIn(address, proxies)) {
    address = parseAddress((hops.pop() ?? '').trim());
  }
  return { address, source: 'trusted-proxy' };
}

/** The longest prefix wins, so that a zone may lie within another. */
function zoneOf(address: Address, zones: readonly (Block & { readonly zone: string })[]): string {
  return zones.find((block) => covers(block, address))?.zone ?? unknownZone;
}

function zoneBlocks(zones: NetworkOptions['zones']): readonly (Block & { readonly zone: string })[] {
  const claimed = new Map<string, string>();
  const blocks = [...zones].flatMap(([zone, cidrs]) =>
    cidrs.map((cidr) => {
      const block = requireBlock(cidr);
      const name = `${block.base.toString()}/${block.bits}`;
      if (claimed.has(name))
        throw wrong(`${cidr} is claimed twice: by ${claimed.get(name) ?? ''} and by ${zone}`);
      claimed.set(name, zone);
      return { ...block, zone };
    }),
  );
  return blocks.toSorted((a, b) => b.bits - a.bits);
}

function isIn(address: Address, blocks: readonly Block[]): boolean {
  return blocks.some((block) => covers(block, address));
}

function covers({ base, bits }: Block, address: Address): boolean {
  return base.kind() === address.kind() && address.match(base, bits);
}

/**
 * One plain spelling of an address; undefined for every other. The library alone would also take `0x7f.1` and `127.1`, and read
 * `::10.0.0.1`, which is another address, as 10.0.0.1. An IPv4 address in IPv6's clothes (RFC 4291 §2.5.5.2) is the IPv4
 * address: a socket that listens on both shows it so.
 */
export function parseAddress(text: string): Address | undefined {
  const dotted = text.replace(/^::ffff:/i, '');
  if (ipaddr.IPv4.isValidFourPartDecimal(dotted)) return ipaddr.IPv4.parse(dotted);
  const plain = text.replace(/%[\w.-]+$/, '');
  if (!/^[0-9a-f]*:[0-9a-f:]+$/i.test(plain) || !ipaddr.IPv6.isValid(plain)) return undefined;
  const address = ipaddr.IPv6.parse(plain);
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

/** `10.0.0.0/8`, or a single address; undefined for what is none, or has bits set behind its prefix: a slip of the pen. */
function parseBlock(cidr: string): Block | undefined {
  const [address = '', prefix, ...rest] = cidr.split('/');
  const base = address.includes('%') ? undefined : parseAddress(address);
  if (base === undefined || rest.length > 0) return undefined;
  const longest = base.kind() === 'ipv4' ? 32 : 128;
  const bits = prefix === undefined ? longest : /^(?:0|[1-9][0-9]{0,2})$/.test(prefix) ? Number(prefix) : -1;
  if (bits < 0 || bits > longest) return undefined;
  return hasBitsBehind(base, bits) ? undefined : { base, bits };
}

/** Whether a text is such a block. */
export function isCidr(text: string): boolean {
  return parseBlock(text) !== undefined;
}

function hasBitsBehind(base: Address, bits: number): boolean {
  return base
    .toByteArray()
    .some((byte, i) => (byte & (0xff >> Math.min(8, Math.max(0, bits - 8 * i)))) !== 0);
}

function requireBlock(cidr: string): Block {
  const block = parseBlock(cidr);
  if (block === undefined) throw wrong(`“${cidr}” is no CIDR block, such as 10.20.0.0/16`);
  return block;
}

function wrong(why: string): CountersignError {
  return new CountersignError('CONFIG_INVALID', `The networks cannot be read: ${why}.`);
}
