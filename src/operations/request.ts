import type { BucketName, ObjectKey } from '../domain/names.ts';

/** An HTTP request as operations see it: the target parsed from its raw bytes, headers decoded. */
export interface S3Request {
  readonly method: string;
  /** `undefined` for operations on the service. */
  readonly bucket: BucketName | undefined;
  /** `undefined` for operations on the service or a bucket. */
  readonly key: ObjectKey | undefined;
  readonly query: ParameterMap;
  /** By lower-case name; repeated headers are joined by commas. */
  readonly headers: HeaderMap;
  readonly body: RequestBody;
  /** Scheme and authority under which the client reached the server, for `Location`. */
  readonly baseUrl: string;
}

/** Query parameters, percent-decoded; a parameter without `=` has the value ''. Of repeated ones the first counts. */
export interface ParameterMap {
  get(name: string): string | undefined;
  has(name: string): boolean;
  names(): Iterable<string>;
}

export interface HeaderMap extends ParameterMap {
  /** The value as text: decoded from UTF-8 where it is that, and from Latin-1 otherwise. */
  get(name: string): string | undefined;
  /** The bytes of the value, one character each: what is stored with an object and given back as it came. */
  raw(name: string): string | undefined;
}

/**
 * A request's body, freed of its `aws-chunked` framing. Reading it to the end verifies length, payload hash, chunk
 * signatures and trailer, and throws the S3Error that fits (IncompleteBody, XAmzContentSHA256Mismatch …).
 * It can be read once.
 */
export interface RequestBody extends AsyncIterable<Uint8Array> {
  /** Decoded length in bytes as the client declared it; `undefined` where it declared none. */
  readonly declaredBytes: number | undefined;
  /** The trailers that the client announced in `x-amz-trailer`, by lower-case name; complete once the body was read to its end. */
  readonly trailers: ReadonlyMap<string, string>;
  /** Lower-case names announced in `x-amz-trailer`. */
  readonly announcedTrailers: readonly string[];
  /** Whether the end of the body is marked in what it came in, so that it needs no length. */
  readonly isDelimited?: boolean;
}
