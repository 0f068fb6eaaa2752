const RANGE = /^([\d.]+|[\da-f:.]+)(?:\/(\d{1,3}))?$/i;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Addresses that begin with the same bits. */
export interface AddressRange {
  readonly family: 'ipv4' | 'ipv6';
  readonly address: string;
  readonly prefixBits: number;
}

/** Reads an address, or a range such as `10.0.0.0/8` or `2001:db8::/32`; `undefined` for anything else. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [, address = '', prefix] = RANGE.exec(text) ?? [];
  const family = IPV4.test(address) ? 'ipv4' : URL.canParse(`http://[${address}]`) ? 'ipv6' : undefined;
  if (family === undefined) return undefined;
  const bits = family === 'ipv4' ? 32 : 128;
  const prefixBits = prefix === undefined ? bits : Number(prefix);
  return prefixBits <= bits ? { family, address, prefixBits } : undefined;
}
