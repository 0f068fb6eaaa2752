import { checksumOf } from '../domain/digests.ts';
import { OBJECT_KEY_BYTES_MAX } from '../domain/names.ts';
import { S3Error } from '../domain/s3-error.ts';
import { invalidArgument } from './headers/parameters.ts';
import type { PageRange } from './listing.ts';
import type { ParameterMap } from './request.ts';

/** Most rows and common prefixes of one page; a client that asks for more gets so many. */
export const ITEMS_PER_PAGE_MAX = 1000;

const INTEGER_MAX = 2 ** 31 - 1;
const INTEGER = /^\d{1,10}$/;
/** The first byte of every token; a token of another version is refused. */
const TOKEN_VERSION = 1;
const TOKEN_CHECKSUM_BYTES = 4;

/** What every listing of keys is asked for. */
export interface ListingInput extends PageRange {
  /** Whether texts that hold keys are percent-encoded in the answer, for XML 1.0 cannot say every key. */
  readonly isUrlEncoded: boolean;
}

/**
 * `prefix`, `delimiter`, `encoding-type` and the maximum of a listing.
 * Errors: InvalidArgument, KeyTooLongError 400.
 */
export function parseListing(query: ParameterMap, maximum: 'max-keys' | 'max-uploads'): ListingInput {
  const encoding = query.get('encoding-type');
  if (encoding !== undefined && encoding !== 'url') {
    throw invalidArgument('encoding-type', encoding, 'Invalid Encoding Method specified in Request: use url.');
  }
  return {
    prefix: parseKeyText(query, 'prefix') ?? '',
    delimiter: query.get('delimiter') || undefined,
    itemsMax: Math.min(parseMaximum(query, maximum) ?? ITEMS_PER_PAGE_MAX, ITEMS_PER_PAGE_MAX),
    isUrlEncoded: encoding !== undefined,
  };
}

/** A marker or a prefix; '' is the same as none. Errors: KeyTooLongError 400. */
export function parseKeyText(query: ParameterMap, name: string): string | undefined {
  const text = query.get(name);
  if (text === undefined || text === '') return undefined;
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > OBJECT_KEY_BYTES_MAX) {
    throw new S3Error('KeyTooLongError', {
      message: `The parameter ${name} is longer than a key can be.`,
      elements: { Size: sizeBytes, MaxSizeAllowed: OBJECT_KEY_BYTES_MAX },
    });
  }
  return text;
}

/** A number of things to list; '' is the same as none. Errors: InvalidArgument 400. */
export function parseMaximum(query: ParameterMap, name: string): number | undefined {
  const text = query.get(name);
  if (text === undefined || text === '') return undefined;
  const value = INTEGER.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
  if (value > INTEGER_MAX) {
    throw invalidArgument(name, text, `Provided ${name} not an integer or within integer range`);
  }
  return value;
}

/**
 * Where a listing goes on, as a token that says nothing to clients. `scope` names the listing it is for: a token is
 * good for no other.
 */
export function encodeToken(scope: string, position: string): string {
  const bytes = Buffer.from(position);
  return Buffer.concat([Buffer.of(TOKEN_VERSION), tokenChecksum(scope, bytes), bytes]).toString('base64url');
}

/** The position in a token that `encodeToken` made for `scope`. Errors: InvalidArgument 400. */
export function decodeToken(scope: string, token: string): string {
  const bytes = Buffer.from(token, 'base64url');
  const position = bytes.subarray(1 + TOKEN_CHECKSUM_BYTES);
  const isOurs =
    bytes.toString('base64url') === token &&
    bytes[0] === TOKEN_VERSION &&
    position.length <= OBJECT_KEY_BYTES_MAX &&
    tokenChecksum(scope, position).equals(bytes.subarray(1, 1 + TOKEN_CHECKSUM_BYTES));
  if (!isOurs) throw invalidArgument('continuation-token', token, 'The continuation token provided is incorrect');
  return position.toString();
}

function tokenChecksum(scope: string, position: Uint8Array): Buffer {
  const bytes = Buffer.concat([Buffer.from(`${scope}\0`), position]);
  return Buffer.from(checksumOf('CRC32C', bytes), 'base64');
}
