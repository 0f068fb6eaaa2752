import type { Action } from '../domain/actions.ts';
import type { Identity } from '../domain/identity.ts';
import { type BucketName, OBJECT_KEY_BYTES_MAX, parseBucketName, parseObjectKey } from '../domain/names.ts';
import { S3Error } from '../domain/s3-error.ts';
import { isAllowed } from '../operations/authorize.ts';
import type { AnyOperation, Clock, IdSource, OpenBucket, OperationContext } from '../operations/operation.ts';
import { type Reply, reply } from '../operations/reply.ts';
import type { S3Request } from '../operations/request.ts';
import type { OperationName } from '../operations/s3-model.ts';
import { NOT_IMPLEMENTED, type OPERATIONS } from '../operations/table.ts';
import type { ReadPins } from '../stores/read-pins.ts';
import type { Stores } from '../stores/stores.ts';
import { Authenticator } from './auth/authenticator.ts';
import type { ByteSource } from './byte-source.ts';
import { operationHeaders } from './operation-headers.ts';
import { RequestHeaders } from './parameters.ts';
import { createRequestBody } from './payload.ts';
import { findRoute, type Route, type RoutedRequest } from './route.ts';
import { parseTarget, parseVirtualHosts, type RequestTarget, type VirtualHost } from './target.ts';
import { UnsupportedParameters } from './unsupported-parameters.ts';

const EXPECTED_OWNER = 'x-amz-expected-bucket-owner';
const EXPECTED_SOURCE_OWNER = 'x-amz-source-expected-bucket-owner';

/** One HTTP request, its head as it was sent. */
export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly scheme: 'http' | 'https';
  readonly body: ByteSource;
  readonly signal: AbortSignal;
}

/** What is known of a request so far, for logs and metrics: dispatch fills it in as it finds out. */
export interface RequestRecord {
  operation: OperationName | 'Health' | 'Unknown';
  resource: string;
  bucket: string | undefined;
  key: string | undefined;
  accessKeyId: string | undefined;
}

export type HealthPath = '/health/live' | '/health/ready';
export type HealthCheck = (path: HealthPath) => Promise<{ readonly status: number; readonly body: string }>;

export interface DispatcherOptions {
  readonly stores: Stores;
  readonly readPins: ReadPins;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly virtualHosts: readonly string[];
  readonly operations: typeof OPERATIONS;
  readonly health: HealthCheck | undefined;
}

interface AuthorizedRequest {
  readonly operation: AnyOperation;
  readonly identity: Identity;
  readonly target: RequestTarget;
  readonly headers: RequestHeaders;
  readonly signal: AbortSignal;
}

/**
 * The way of every request: parse the target, authenticate, route, load the bucket, authorize, refuse what would be
 * ignored, then parse, run and render the operation.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #virtualHosts: readonly VirtualHost[];
  readonly #authenticator: Authenticator;
  readonly #unsupported = new UnsupportedParameters();

  constructor(options: DispatcherOptions) {
    const { stores, clock } = options;
    this.#options = options;
    this.#virtualHosts = parseVirtualHosts(options.virtualHosts);
    const regions = { default: stores.defaultRegion, names: stores.regions.keys() };
    this.#authenticator = new Authenticator({ keys: stores.keys, regions, clock });
  }

  /** Throws what `toS3Error` turns into an answer. */
  async dispatch(request: HttpRequest, record: RequestRecord): Promise<Reply> {
    const { method, signal } = request;
    const received = new RequestHeaders(request.rawHeaders);
    requireSoundFraming(received);
    const target = parseTarget({ url: request.url, host: received.raw('host') }, this.#virtualHosts);
    record.resource = target.resource;
    record.bucket = target.bucket;
    record.key = target.key;
    const healthPath = healthPathOf(request, target, received);
    if (healthPath !== undefined && this.#options.health !== undefined) {
      record.operation = 'Health';
      return healthReply(await this.#options.health(healthPath), method);
    }
    const { identity, payload } = await this.#authenticator.authenticate(
      { method, target, headers: received },
      { signal },
    );
    if (identity.kind === 'user') record.accessKeyId = identity.accessKeyId;
    const { query } = target;
    const headers = operationHeaders(received, { query, payload });
    const routed = { method, target: kindOf(target), query, headers };
    const operation = this.#operationOf(findRoute(routed), routed, record);
    const context = await this.#authorize({ operation, identity, target, headers, signal });
    this.#unsupported.refuse(operation, { query, headers });
    const s3Request: S3Request = {
      method,
      bucket: context.bucketName,
      key: operation.scope === 'object' ? requireKey(target) : undefined,
      query,
      headers,
      body: createRequestBody(payload, { headers, bytes: request.body }),
      baseUrl: `${request.scheme}://${target.host}`,
    };
    const input: unknown = operation.parse(s3Request);
    const output: unknown = await operation.run(context.operation, input);
    return operation.render(output, s3Request);
  }

  #operationOf(route: Route, { method, target }: RoutedRequest, record: RequestRecord): AnyOperation {
    switch (route.kind) {
      case 'operation': {
        record.operation = route.name;
        const operation = this.#options.operations[route.name];
        if (operation === NOT_IMPLEMENTED) throw notImplemented(route.name);
        return operation;
      }
      case 'incomplete':
        record.operation = route.name;
        if (this.#options.operations[route.name] === NOT_IMPLEMENTED) throw notImplemented(route.name);
        throw new S3Error('InvalidArgument', {
          message: `${route.name} needs the ${route.missing.replace(':', ' parameter ')}.`,
        });
      case 'post-object':
        throw notImplemented('PostObject');
      case 'preflight':
        throw new S3Error('AccessForbidden', { message: 'CORSResponse: CORS is not enabled for this bucket.' });
      case 'conflict':
        throw new S3Error('InvalidArgument', {
          message: `Conflicting query string parameters: ${route.parameters.join(', ')}`,
          elements: { ArgumentName: 'ResourceType', ArgumentValue: route.parameters.join(', ') },
        });
      case 'method-not-allowed':
        throw new S3Error('MethodNotAllowed', { elements: { Method: method, ResourceType: target.toUpperCase() } });
    }
  }

  /** What the operation may work with, once the caller may do it. */
  async #authorize(
    request: AuthorizedRequest,
  ): Promise<{ readonly bucketName: BucketName | undefined; readonly operation: OperationContext }> {
    const { operation, identity, target, headers, signal } = request;
    const { stores, readPins, clock, ids } = this.#options;
    const openBucket = (name: BucketName, action: Action) =>
      this.#openBucket({ name, action, identity, expectedOwner: headers.get(EXPECTED_SOURCE_OWNER), signal });
    const context: OperationContext = { identity, stores, readPins, clock, ids, signal, openBucket };
    const action = actionOf(operation, target);
    switch (operation.scope) {
      case 'service':
        requireAllowed({ identity, action, bucket: undefined });
        return { bucketName: undefined, operation: context };
      case 'new-bucket': {
        requireAllowed({ identity, action, bucket: undefined });
        const bucketName = parseBucketName(target.bucket ?? '');
        if (bucketName !== undefined) return { bucketName, operation: context };
        throw new S3Error('InvalidBucketName', { elements: { BucketName: target.bucket ?? '' } });
      }
      default: {
        const bucketName = parseBucketName(target.bucket ?? '');
        if (bucketName === undefined) throw noSuchBucket(target.bucket ?? '');
        const expectedOwner = headers.get(EXPECTED_OWNER);
        const open = await this.#openBucket({ name: bucketName, action, identity, expectedOwner, signal });
        return { bucketName, operation: { ...context, ...open } };
      }
    }
  }

  async #openBucket(request: {
    readonly name: BucketName;
    readonly action: Action;
    readonly identity: Identity;
    readonly expectedOwner: string | undefined;
    readonly signal: AbortSignal;
  }): Promise<OpenBucket> {
    const { name, action, identity, expectedOwner, signal } = request;
    const { stores } = this.#options;
    const bucket = await stores.buckets.getBucket(name, { signal });
    if (bucket === undefined) throw noSuchBucket(name);
    requireAllowed({ identity, action, bucket });
    if (expectedOwner !== undefined && expectedOwner !== bucket.owner.tenant) throw new S3Error('AccessDenied');
    const region = stores.regions.get(bucket.region);
    if (region === undefined) {
      throw new S3Error('ServiceUnavailable', {
        message: `This server has no store for the bucket's region, ${bucket.region}.`,
      });
    }
    const refresh = async () => {
      const now = await stores.buckets.getBucket(name, { signal });
      if (now === undefined || now.id !== bucket.id) throw noSuchBucket(name);
      return now;
    };
    return { bucket, region, refresh };
  }
}

/** A coding that is not undone would leave its framing in the body, and one parser might see it where another does not. */
function requireSoundFraming(headers: RequestHeaders): void {
  const coding = headers.raw('transfer-encoding');
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    throw new S3Error('NotImplemented', { message: 'No Transfer-Encoding but chunked is implemented.' });
  }
}

function kindOf(target: RequestTarget): RoutedRequest['target'] {
  if (target.bucket === undefined) return 'service';
  return target.key === undefined ? 'bucket' : 'object';
}

function healthPathOf(request: HttpRequest, target: RequestTarget, headers: RequestHeaders): HealthPath | undefined {
  const { rawPath } = target;
  if (rawPath !== '/health/live' && rawPath !== '/health/ready') return undefined;
  const asked = request.method === 'GET' || request.method === 'HEAD';
  return asked && target.style === 'path' && target.query.isEmpty && !headers.has('authorization')
    ? rawPath
    : undefined;
}

function healthReply({ status, body }: { status: number; body: string }, method: string): Reply {
  const bytes = Buffer.from(body);
  const headers = { 'Content-Type': body.startsWith('{') ? 'application/json' : 'text/plain; charset=utf-8' };
  return reply(
    status,
    headers,
    method === 'HEAD' ? { kind: 'head', sizeBytes: bytes.length } : { kind: 'bytes', bytes },
  );
}

function actionOf(operation: AnyOperation, target: RequestTarget): Action {
  return operation.versionAction !== undefined && target.query.has('versionId')
    ? operation.versionAction
    : operation.action;
}

function requireAllowed(request: Parameters<typeof isAllowed>[0]): void {
  if (!isAllowed(request)) throw new S3Error('AccessDenied');
}

function requireKey(target: RequestTarget): S3Request['key'] {
  const key = parseObjectKey(target.key ?? '');
  if (key !== undefined) return key;
  throw new S3Error('KeyTooLongError', {
    elements: { Size: Buffer.byteLength(target.key ?? ''), MaxSizeAllowed: OBJECT_KEY_BYTES_MAX },
  });
}

function noSuchBucket(name: string): S3Error {
  return new S3Error('NoSuchBucket', { elements: { BucketName: name } });
}

function notImplemented(name: OperationName | 'PostObject'): S3Error {
  return new S3Error('NotImplemented', { message: `${name} is not implemented.`, elements: { Operation: name } });
}
