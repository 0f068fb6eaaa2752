import { BlockList, isIP } from 'node:net';
import { parseAddressRange } from '../domain/address-range.ts';
import { readForwarded, type Told } from './forwarded.ts';
import type { RequestHeaders } from './parameters.ts';

/** Most proxies that one request may have come through. */
const HOPS_MAX = 16;
/** Most hosts that one request may have been asked under. */
const HOSTS_MAX = 4;
const ZONE = /%.*$/s;
const MAPPED_IPV4 = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

/** The other end of a connection. */
export interface Peer {
  readonly remoteAddress: string;
  readonly scheme: 'http' | 'https';
}

/** Who asks, and how it was asked, as far as it can be believed. */
export interface ClientSide {
  /** The client's address: the nearest one that is not a trusted proxy's. */
  readonly sourceIp: string;
  /** How the client asked the first trusted proxy; without one, how it asks the server. */
  readonly scheme: 'http' | 'https';
  /** Under which hosts, in lower case, by what trusted proxies say: the client's own first. */
  readonly hosts: readonly string[];
  readonly port: string | undefined;
  /** Whether the connection comes from a trusted proxy. */
  readonly isProxied: boolean;
}

/**
 * The proxies whose word counts. Whoever else writes `X-Forwarded-For` is not believed, so that nobody can take an
 * address that a policy lets in.
 */
export class TrustedProxies {
  readonly #addresses = new BlockList();
  readonly #isEmpty: boolean;

  /** Takes addresses and ranges such as `10.0.0.0/8`. Throws TypeError for anything else. */
  constructor(ranges: readonly string[]) {
    for (const range of ranges) this.#add(range);
    this.#isEmpty = ranges.length === 0;
  }

  look(headers: RequestHeaders, { remoteAddress, scheme }: Peer): ClientSide {
    const peer = plainAddress(remoteAddress);
    if (this.#isEmpty || !this.#has(peer)) {
      return { sourceIp: peer, scheme, hosts: [], port: undefined, isProxied: false };
    }
    const told = readForwarded(headers);
    const { sourceIp, hops } = this.#follow(peer, told);
    return {
      sourceIp,
      scheme: schemeOf(atHop(told.schemes, hops)) ?? scheme,
      hosts: told.hosts
        .slice(-hops)
        .filter((host) => host !== undefined)
        .slice(0, HOSTS_MAX),
      port: atHop(told.ports, hops),
      isProxied: true,
    };
  }

  /** From the server towards the client, as far as each step is vouched for by a trusted proxy. */
  #follow(peer: string, { addresses }: Told): { readonly sourceIp: string; readonly hops: number } {
    let sourceIp = peer;
    let hops = 1;
    for (const text of addresses.slice(-HOPS_MAX).reverse()) {
      const address = text === undefined ? '' : plainAddress(text);
      if (isIP(address) === 0) break;
      sourceIp = address;
      if (!this.#has(address)) break;
      hops += 1;
    }
    return { sourceIp, hops };
  }

  #has(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#addresses.check(address, family === 4 ? 'ipv4' : 'ipv6');
  }

  #add(text: string): void {
    const range = parseAddressRange(text);
    if (range === undefined) {
      throw new TypeError(`${JSON.stringify(text)} is neither an address nor a range such as 10.0.0.0/8.`);
    }
    this.#addresses.addSubnet(range.address, range.prefixBits, range.family);
  }
}

/** What the outermost of the trusted proxies said, or the next one that said anything. */
function atHop<Value>(values: readonly Value[], hops: number): Value | undefined {
  return values[Math.max(values.length - hops, 0)];
}

function schemeOf(text: string | undefined): 'http' | 'https' | undefined {
  return text === 'http' || text === 'https' ? text : undefined;
}

/** IPv4 as such, also where the socket takes both families; IPv6 without a zone, which is the machine's own affair. */
function plainAddress(address: string): string {
  return MAPPED_IPV4.exec(address)?.[1] ?? address.replace(ZONE, '');
}
