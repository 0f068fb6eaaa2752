import type { Identity } from '../domain/identity.ts';
import { OBJECT_KEY_BYTES_MAX, parseObjectKey } from '../domain/names.ts';
import { S3Error } from '../domain/s3-error.ts';
import type { RequestFacts } from '../operations/access.ts';
import { objectLocation } from '../operations/object-location.ts';
import type { AnyOperation, Clock, IdSource } from '../operations/operation.ts';
import { type Reply, type ReplyHeader, reply } from '../operations/reply.ts';
import type { RequestBody, S3Request } from '../operations/request.ts';
import { CHARGED_HEADER } from '../operations/request-payment.ts';
import type { OperationName } from '../operations/s3-model.ts';
import { NOT_IMPLEMENTED, type OPERATIONS } from '../operations/table.ts';
import type { ReadPins } from '../stores/read-pins.ts';
import type { Stores } from '../stores/stores.ts';
import { Authenticator, type SignedRequest } from './auth/authenticator.ts';
import { Authorizer } from './authorizer.ts';
import type { ByteSource } from './byte-source.ts';
import { Cors } from './cors.ts';
import type { FrontSettings } from './front-settings.ts';
import { operationHeaders } from './operation-headers.ts';
import { QueryParameters, RequestHeaders } from './parameters.ts';
import { createRequestBody } from './payload.ts';
import { readPostForm } from './post-form/form-reader.ts';
import { formReply } from './post-form/form-reply.ts';
import { readFormUpload } from './post-form/form-upload.ts';
import { parsePublicUrls, virtualHostNames } from './public-urls.ts';
import { findRoute, isPostForm, type Route, type RoutedRequest } from './route.ts';
import { type NamedTarget, parseTarget, parseVirtualHosts, type RequestTarget, type VirtualHost } from './target.ts';
import { TrustedProxies } from './trusted-proxies.ts';
import { UnsupportedParameters } from './unsupported-parameters.ts';

/** Under MinIO's paths too: health checks in compose files and `mc ready` ask for those. */
const HEALTH_PATHS: ReadonlyMap<string, HealthPath> = new Map([
  ['/health/live', '/health/live'],
  ['/health/ready', '/health/ready'],
  ['/minio/health/live', '/health/live'],
  ['/minio/health/ready', '/health/ready'],
  ['/minio/health/cluster', '/health/ready'],
  ['/minio/health/cluster/read', '/health/ready'],
]);
const NO_QUERY = new QueryParameters([]);

/** One HTTP request, its head as it was sent. */
export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly scheme: 'http' | 'https';
  /** The address of whoever holds the other end of the connection. */
  readonly remoteAddress: string;
  readonly body: ByteSource;
  readonly signal: AbortSignal;
}

/** What is known of a request so far, for logs and metrics: dispatch fills it in as it finds out. */
export interface RequestRecord {
  operation: OperationName | 'Health' | 'PostObject' | 'Preflight' | 'Unknown';
  resource: string;
  bucket: string | undefined;
  key: string | undefined;
  accessKeyId: string | undefined;
  /** Whose the request is; of a master key, whom it acts for. */
  tenant: string | undefined;
  /** What the answer says to a browser, whether the request succeeds or not. */
  corsHeaders: readonly ReplyHeader[];
  /** The client's address, behind trusted proxies too. */
  sourceIp: string | undefined;
}

export type HealthPath = '/health/live' | '/health/ready';
export type HealthCheck = (path: HealthPath) => Promise<{ readonly status: number; readonly body: string }>;

export interface DispatcherOptions {
  readonly stores: Stores;
  readonly readPins: ReadPins;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly settings: FrontSettings;
  readonly operations: typeof OPERATIONS;
  readonly health: HealthCheck | undefined;
}

/** A request whose sender and operation are known. */
interface Performance extends Pick<S3Request, 'method' | 'baseUrl'> {
  /** Called once it is known that the caller may. */
  readonly openBody: () => RequestBody;
  readonly operation: AnyOperation;
  readonly facts: RequestFacts;
  readonly target: NamedTarget;
  readonly signal: AbortSignal;
}

/**
 * The way of every request: parse the target, authenticate, route, load the bucket, authorize, refuse what would be
 * ignored, then parse, run and render the operation.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #virtualHosts: readonly VirtualHost[];
  readonly #proxies: TrustedProxies;
  readonly #cors: Cors;
  readonly #authenticator: Authenticator;
  readonly #authorizer: Authorizer;
  readonly #unsupported = new UnsupportedParameters();

  constructor(options: DispatcherOptions) {
    const { stores, clock, settings } = options;
    this.#options = options;
    const publicUrls = parsePublicUrls(settings.publicUrls);
    this.#virtualHosts = parseVirtualHosts([...settings.virtualHosts, ...virtualHostNames(publicUrls)]);
    this.#proxies = new TrustedProxies(settings.trustedProxies);
    this.#cors = new Cors({ buckets: stores.buckets, defaultRules: settings.defaultCors });
    this.#authorizer = new Authorizer({ ...options, defaultObjectOwnership: settings.defaultObjectOwnership });
    const regions = { default: stores.defaultRegion, names: stores.regions.keys() };
    this.#authenticator = new Authenticator({
      keys: stores.keys,
      regions,
      clock,
      sigV2: settings.sigV2,
      names: { publicUrls, virtualHosts: this.#virtualHosts },
    });
  }

  /** Throws what `toS3Error` turns into an answer. */
  async dispatch(request: HttpRequest, record: RequestRecord): Promise<Reply> {
    const { method, signal } = request;
    const received = new RequestHeaders(request.rawHeaders);
    const client = this.#proxies.look(received, request);
    record.sourceIp = client.sourceIp;
    const source = { url: request.url, host: received.raw('host'), forwardedHosts: client.hosts };
    const target = parseTarget(source, this.#virtualHosts);
    record.resource = target.resource;
    record.bucket = target.bucket;
    record.key = target.key;
    const healthPath = healthPathOf(request, target, received);
    if (healthPath !== undefined && this.#options.health !== undefined) {
      record.operation = 'Health';
      return healthReply(await this.#options.health(healthPath), method);
    }
    const corsRequest = { method, bucket: target.bucket, headers: received };
    if (method === 'OPTIONS') {
      record.operation = 'Preflight';
      return await this.#cors.preflight(corsRequest, { signal });
    }
    record.corsHeaders = await this.#cors.headersFor(corsRequest, { signal });
    const signed = { method, target, headers: received, client };
    if (isPostForm(method, kindOf(target), received)) return await this.#postObject(request, signed, record);
    const { identity, payload, baseUrl } = await this.#authenticator.authenticate(signed, { signal });
    noteCaller(record, identity);
    const { query } = target;
    const headers = operationHeaders(received, { query, payload });
    const routed = { method, target: kindOf(target), query, headers };
    const operation = this.#operationOf(findRoute(routed), routed, record);
    const facts: RequestFacts = {
      identity,
      query,
      headers,
      sourceIp: client.sourceIp,
      isSecure: client.scheme === 'https',
      nowMs: this.#options.clock.nowMs(),
    };
    const openBody = () => createRequestBody(payload, { headers, bytes: request.body });
    return await this.#perform({ operation, facts, method, target, openBody, baseUrl, signal });
  }

  /** Does what is asked for, if the caller may. */
  async #perform(performance: Performance): Promise<Reply> {
    const { operation, facts, target, signal, openBody, method, baseUrl } = performance;
    const { query, headers } = facts;
    const { bucketName, context, isCharged } = await this.#authorizer.authorize({ operation, facts, target, signal });
    this.#unsupported.refuse(operation, { query, headers });
    const key = operation.scope === 'object' ? requireKey(target) : undefined;
    const s3Request: S3Request = { method, baseUrl, bucket: bucketName, key, query, headers, body: openBody() };
    const input: unknown = operation.parse(s3Request);
    const output: unknown = await operation.run(context, input);
    const answer = operation.render(output, s3Request);
    return isCharged ? { ...answer, headers: [...answer.headers, CHARGED_HEADER] } : answer;
  }

  /** A browser form: PutObject in other words, signed in another place. */
  async #postObject({ body, signal }: HttpRequest, request: SignedRequest, record: RequestRecord): Promise<Reply> {
    record.operation = 'PostObject';
    const operation = this.#options.operations.PutObject;
    if (operation === NOT_IMPLEMENTED) throw notImplemented('PostObject');
    const { method, headers: received, client } = request;
    const { bucket = '' } = request.target;
    const form = await readPostForm(body, received.get('content-type') ?? '');
    const authenticated = await this.#authenticator.authenticateForm(form.fields, request, { signal });
    const { identity, policy, signature, baseUrl } = authenticated;
    noteCaller(record, identity);
    const nowMs = this.#options.clock.nowMs();
    const upload = readFormUpload(form, { bucket, policy, nowMs });
    const { key, headers } = upload;
    record.key = key;
    const query = NO_QUERY;
    const facts: RequestFacts = {
      identity,
      query,
      headers,
      sourceIp: client.sourceIp,
      isSecure: client.scheme === 'https',
      nowMs,
      formSignature: signature,
    };
    const target = { bucket, key, query };
    const stored = await this.#perform({
      operation,
      facts,
      method,
      target,
      openBody: () => upload.body,
      baseUrl,
      signal,
    });
    const location = objectLocation({ baseUrl, bucket, key });
    return formReply(upload.success, { bucket, key, location, headers: stored.headers });
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
      case 'conflict':
        throw new S3Error('InvalidArgument', {
          message: `Conflicting query string parameters: ${route.parameters.join(', ')}`,
          elements: { ArgumentName: 'ResourceType', ArgumentValue: route.parameters.join(', ') },
        });
      case 'method-not-allowed':
        throw new S3Error('MethodNotAllowed', { elements: { Method: method, ResourceType: target.toUpperCase() } });
    }
  }
}

function noteCaller(record: RequestRecord, identity: Identity): void {
  if (identity.kind !== 'user') return;
  record.accessKeyId = identity.accessKeyId;
  record.tenant = identity.tenant;
}

function kindOf(target: RequestTarget): RoutedRequest['target'] {
  if (target.bucket === undefined) return 'service';
  return target.key === undefined ? 'bucket' : 'object';
}

function healthPathOf(request: HttpRequest, target: RequestTarget, headers: RequestHeaders): HealthPath | undefined {
  const path = HEALTH_PATHS.get(target.rawPath);
  if (path === undefined) return undefined;
  const asked = request.method === 'GET' || request.method === 'HEAD';
  return asked && target.style === 'path' && target.query.isEmpty && !headers.has('authorization') ? path : undefined;
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

function requireKey(target: Pick<RequestTarget, 'key'>): S3Request['key'] {
  const key = parseObjectKey(target.key ?? '');
  if (key !== undefined) return key;
  throw new S3Error('KeyTooLongError', {
    elements: { Size: Buffer.byteLength(target.key ?? ''), MaxSizeAllowed: OBJECT_KEY_BYTES_MAX },
  });
}

function notImplemented(name: OperationName | 'PostObject'): S3Error {
  return new S3Error('NotImplemented', { message: `${name} is not implemented.`, elements: { Operation: name } });
}
