import type { CorsRule } from '../domain/cors.ts';
import { type BucketName, parseBucketName } from '../domain/names.ts';
import { S3Error } from '../domain/s3-error.ts';
import { type Reply, type ReplyHeader, reply, replyHeaders } from '../operations/reply.ts';
import type { Bucketstore } from '../stores/bucketstore.ts';
import type { CallOptions } from '../stores/store.ts';
import type { RequestHeaders } from './parameters.ts';

const METHODS: ReadonlySet<string> = new Set(['GET', 'PUT', 'HEAD', 'POST', 'DELETE']);
const ASKED_METHOD = 'access-control-request-method';
const ASKED_HEADERS = 'access-control-request-headers';
/** Most headers that a preflight may ask for. */
const ASKED_HEADERS_MAX = 100;
const VARY = 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method';

export interface CorsRequest {
  readonly method: string;
  /** As the target names it. */
  readonly bucket: string | undefined;
  readonly headers: RequestHeaders;
}

/** What a browser wants to do, on whose behalf. */
interface Wish {
  readonly origin: string;
  readonly method: string;
  /** In lower case. */
  readonly headers: readonly string[];
}

/**
 * Tells browsers what pages of other origins may do: what the bucket's rules say, then those of the configuration.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
 */
export class Cors {
  readonly #buckets: Pick<Bucketstore, 'getBucket'>;
  readonly #defaultRules: readonly CorsRule[];

  constructor({
    buckets,
    defaultRules,
  }: { buckets: Pick<Bucketstore, 'getBucket'>; defaultRules: readonly CorsRule[] }) {
    this.#buckets = buckets;
    this.#defaultRules = defaultRules;
  }

  /** What goes with the answer to a request, whatever that will be. */
  async headersFor({ method, bucket, headers }: CorsRequest, options: CallOptions): Promise<readonly ReplyHeader[]> {
    const origin = headers.raw('origin');
    if (origin === undefined) return [];
    const wish = { origin, method: headers.raw(ASKED_METHOD) ?? method, headers: [] };
    const rule = findRule(await this.#rulesOf(parseBucketName(bucket ?? ''), options), wish);
    return rule === undefined ? [] : replyHeaders(allowHeaders(rule, wish));
  }

  /**
   * The answer to `OPTIONS`, which nobody signs.
   * Errors: BadRequest 400 · AccessForbidden 403 · NoSuchBucket 404.
   */
  async preflight({ bucket, headers }: CorsRequest, options: CallOptions): Promise<Reply> {
    const wish = parseWish(headers);
    const name = parseBucketName(bucket ?? '');
    if (bucket !== undefined && name === undefined) {
      throw new S3Error('NoSuchBucket', { elements: { BucketName: bucket } });
    }
    const rules = await this.#rulesOf(name, options);
    if (rules.length === 0) throw forbidden('CORSResponse: CORS is not enabled for this bucket.', wish);
    const rule = findRule(rules, wish);
    if (rule === undefined) {
      throw forbidden(
        'CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource’s CORS spec.',
        wish,
      );
    }
    const allowed = wish.headers.length === 0 ? undefined : wish.headers.join(', ');
    return reply(200, { ...allowHeaders(rule, wish), 'Access-Control-Allow-Headers': allowed });
  }

  async #rulesOf(name: BucketName | undefined, options: CallOptions): Promise<readonly CorsRule[]> {
    if (name === undefined) return this.#defaultRules;
    const bucket = await this.#buckets.getBucket(name, options);
    return [...(bucket?.configuration.cors ?? []), ...this.#defaultRules];
  }
}

function parseWish(headers: RequestHeaders): Wish {
  const origin = headers.raw('origin');
  if (origin === undefined || origin === '') {
    throw new S3Error('BadRequest', { message: 'Insufficient information. Origin request header needed.' });
  }
  const method = headers.raw(ASKED_METHOD) ?? 'null';
  if (!METHODS.has(method)) {
    throw new S3Error('BadRequest', { message: `Invalid Access-Control-Request-Method: ${method.slice(0, 20)}` });
  }
  const text = headers.raw(ASKED_HEADERS) ?? '';
  const asked = text.split(',').map((name) => name.trim().toLowerCase());
  const names = asked.filter((name) => name !== '');
  if (names.length > ASKED_HEADERS_MAX) {
    throw new S3Error('BadRequest', { message: `A preflight may ask for ${ASKED_HEADERS_MAX} headers at most.` });
  }
  return { origin, method, headers: names };
}

function findRule(rules: readonly CorsRule[], { origin, method, headers }: Wish): CorsRule | undefined {
  return rules.find(
    ({ allowedOrigins, allowedMethods, allowedHeaders }) =>
      allowedMethods.includes(method) &&
      allowedOrigins.some((pattern) => fits(origin, pattern)) &&
      headers.every((name) => allowedHeaders.some((pattern) => fits(name, pattern.toLowerCase()))),
  );
}

/** Whether `text` is what `pattern` says; one `*` in it stands for anything. */
function fits(text: string, pattern: string): boolean {
  const star = pattern.indexOf('*');
  if (star === -1) return text === pattern;
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return text.length >= before.length + after.length && text.startsWith(before) && text.endsWith(after);
}

/** A rule for every origin speaks of none, and then browsers send no credentials. */
function allowHeaders(rule: CorsRule, { origin }: Wish): Record<string, string | undefined> {
  const isForAll = rule.allowedOrigins.includes('*');
  return {
    'Access-Control-Allow-Origin': isForAll ? '*' : origin,
    'Access-Control-Allow-Methods': rule.allowedMethods.join(', '),
    'Access-Control-Expose-Headers': rule.exposeHeaders.length === 0 ? undefined : rule.exposeHeaders.join(', '),
    'Access-Control-Max-Age': rule.maxAgeSeconds === undefined ? undefined : String(rule.maxAgeSeconds),
    'Access-Control-Allow-Credentials': isForAll ? undefined : 'true',
    Vary: VARY,
  };
}

function forbidden(message: string, { method }: Wish): S3Error {
  return new S3Error('AccessForbidden', { message, elements: { Method: method, ResourceType: 'BUCKET' } });
}
