import type { Owner } from '../domain/bucket.ts';
import type { Checksum } from '../domain/checksum.ts';
import type { ListedObject } from '../domain/object-version.ts';
import { element, textElement, timestampElement, type Xml } from '../xml/build.ts';
import type { ListingInput } from './listing-request.ts';

const NOT_ENCODED_BY_ECMASCRIPT = /[!'()~]/g;
const ENCODED_SLASH = /%2F/g;

/** Writes a text that holds a key, or a part of one, the way the client asked for. */
export type KeyEncoder = (text: string) => string;

export function keyEncoder({ isUrlEncoded }: Pick<ListingInput, 'isUrlEncoded'>): KeyEncoder {
  return isUrlEncoded ? urlEncode : (text) => text;
}

/** `<Delimiter>` and `<EncodingType>`, each only where the client sent it. */
export function listingOptions(input: ListingInput, encode: KeyEncoder): Xml[] {
  return [
    textElement('Delimiter', input.delimiter === undefined ? undefined : encode(input.delimiter)),
    textElement('EncodingType', input.isUrlEncoded ? 'url' : undefined),
  ];
}

export function commonPrefixElements(prefixes: readonly string[], encode: KeyEncoder): Xml[] {
  return prefixes.map((prefix) => element('CommonPrefixes', [textElement('Prefix', encode(prefix))]));
}

/** `<Owner>` or another element of its kind. */
export function ownerElement(name: 'Owner' | 'Initiator', owner: Owner): Xml {
  return element(name, [textElement('ID', owner.tenant), textElement('DisplayName', owner.displayName)]);
}

/** What listings say of an object behind its key (and version): times, digests, size, class, owner. */
export function objectElements(object: ListedObject, options: { withOwner: boolean }): Xml[] {
  return [
    timestampElement('LastModified', object.lastModifiedMs),
    textElement('ETag', `"${object.etag}"`),
    ...checksumElements(object.checksum),
    textElement('Size', object.sizeBytes),
    ...(options.withOwner ? [ownerElement('Owner', object.owner)] : []),
    textElement('StorageClass', object.storageClass),
  ];
}

export function checksumElements(checksum: Pick<Checksum, 'algorithm' | 'type'> | undefined): Xml[] {
  if (checksum === undefined) return [];
  return [textElement('ChecksumAlgorithm', checksum.algorithm), textElement('ChecksumType', checksum.type)];
}

/**
 * Percent-encodes the UTF-8 bytes of `text` but for letters, digits and `-_.*` and `/`.
 *
 * Quirk: AWS writes a space as `+`; here it is `%20`, which every decoder of either form understands.
 */
function urlEncode(text: string): string {
  return encodeURIComponent(text)
    .replace(NOT_ENCODED_BY_ECMASCRIPT, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(ENCODED_SLASH, '/');
}
