import { type BucketName, type ObjectKey, parseBucketName, parseObjectKey } from '../../src/domain/names.ts';
import type { HeaderMap, RequestBody, S3Request } from '../../src/operations/request.ts';

export interface RequestParts {
  readonly method?: string;
  readonly bucket?: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  /** A list where a header is repeated. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: RequestBody;
}

/** A request as dispatch would hand it to an operation on an object. */
export function s3Request(parts: RequestParts = {}): S3Request & { bucket: BucketName; key: ObjectKey } {
  const bucket = parseBucketName(parts.bucket ?? 'bucket');
  const key = parseObjectKey(parts.key ?? 'key');
  if (bucket === undefined || key === undefined) throw new TypeError('The test names no bucket or key.');
  return {
    method: parts.method ?? 'GET',
    bucket,
    key,
    query: headerMap(parts.query ?? {}),
    headers: headerMap(parts.headers ?? {}),
    body: parts.body ?? requestBody([]),
    baseUrl: 'http://127.0.0.1:9000',
  };
}

export interface BodyParts {
  /** `undefined`: of no declared length. Unless given, the length of the chunks. */
  readonly declaredBytes?: number | undefined;
  readonly trailers?: Readonly<Record<string, string>>;
  readonly announcedTrailers?: readonly string[];
}

/** A body that comes in these chunks; its trailers are there once it was read to its end. */
export function requestBody(chunks: readonly Uint8Array[], parts: BodyParts = {}): RequestBody {
  const trailers = new Map<string, string>();
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return {
    declaredBytes: 'declaredBytes' in parts ? parts.declaredBytes : length,
    trailers,
    announcedTrailers: parts.announcedTrailers ?? Object.keys(parts.trailers ?? {}),
    async *[Symbol.asyncIterator]() {
      yield* chunks;
      for (const [name, value] of Object.entries(parts.trailers ?? {})) trailers.set(name, value);
    },
  };
}

/** Headers, sent as UTF-8. */
export function headerMap(values: Readonly<Record<string, string | readonly string[]>>): HeaderMap {
  const joined = new Map(
    Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? value : value.join(',')]),
  );
  return {
    get: (name) => joined.get(name),
    raw(name) {
      const text = joined.get(name);
      return text === undefined ? undefined : Buffer.from(text).toString('latin1');
    },
    has: (name) => joined.has(name),
    names: () => joined.keys(),
  };
}
