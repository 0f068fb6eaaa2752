import type { Agent, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { parseXml, type XmlElement, XmlError } from '../xml/parse.ts';
import { connectionError, EndpointError } from './endpoint-error.ts';
import { canonicalQuery, type EndpointKey, encodePath, signingHeaders } from './sign-request.ts';

// An import of node:http, which takes every export, loads an HTTP client and a WebSocket too: 70 ms of CPU at each start.
const { Agent: HttpAgent, request: httpRequest } = process.getBuiltinModule('node:http');

/** How often a request is sent before it has failed. */
const ATTEMPTS_MAX = 7;
/** Before the second attempt, doubled before each further one, in milliseconds. */
const DELAY_MS = 200;
const DELAY_MS_MAX = 5_000;
/** How long a connection may be silent, in milliseconds. */
const SILENCE_MS_MAX = 60_000;
/** Longest document that is read: a page of 1,000 keys of 1,024 bytes, percent-encoded. */
const DOCUMENT_BYTES_MAX = 8 * 1024 ** 2;

/** What the code of an error may be; any other text is none. */
const ERROR_CODE = /^[\w.]{1,100}$/;
/** Longest message of a source that is passed on, in UTF-16 units. */
const MESSAGE_UNITS_MAX = 500;

export interface Endpoint {
  /** `http:` or `https:`; a path comes before those of buckets. */
  readonly url: URL;
  readonly region: string;
  readonly key: EndpointKey;
}

export interface ClientRequest {
  readonly method: 'GET' | 'HEAD';
  readonly bucket?: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Values hold bytes, one character each. */
export type ReplyHeaders = IncomingHttpHeaders;

export interface ClientReply {
  readonly status: number;
  readonly headers: ReplyHeaders;
  /** To be read to its end, or destroyed. */
  readonly body: IncomingMessage;
}

/**
 * Reads from an S3 endpoint, path style, signed by SigV4, over a bounded number of connections. Redirects are not
 * followed: no answer makes it connect anywhere but to the endpoint.
 *
 * Throws `EndpointError`. What may succeed later (5xx, SlowDown, a lost connection) is tried again with growing
 * delays, some 15 seconds in all.
 */
export class S3Client implements Disposable {
  readonly #endpoint: Endpoint;
  readonly #clock: { nowMs(): number };
  readonly #agent: Agent | HttpsAgent;

  constructor(
    endpoint: Endpoint,
    { clock, connectionsMax }: { readonly clock: { nowMs(): number }; readonly connectionsMax: number },
  ) {
    this.#endpoint = endpoint;
    this.#clock = clock;
    const options = { keepAlive: true, maxSockets: connectionsMax };
    this.#agent = endpoint.url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  /** The answer, once it has begun. */
  async send(request: ClientRequest, { signal }: { readonly signal: AbortSignal }): Promise<ClientReply> {
    return await retrying(() => this.sendOnce(request, { signal }), signal);
  }

  /** The answer, which is a document of XML. */
  async document(request: ClientRequest, { signal }: { readonly signal: AbortSignal }): Promise<XmlElement> {
    const attempt = async () => {
      const { body } = await this.sendOnce(request, { signal });
      return parseXml(await readWhole(body));
    };
    try {
      return await retrying(attempt, signal);
    } catch (cause) {
      if (!(cause instanceof XmlError)) throw cause;
      throw new EndpointError(`The source's answer is none of S3: ${cause.message}`, { code: 'MalformedXML', cause });
    }
  }

  /** One attempt of `send`. */
  async sendOnce(request: ClientRequest, { signal }: { readonly signal: AbortSignal }): Promise<ClientReply> {
    const { url, region, key } = this.#endpoint;
    const query = canonicalQuery(request.query ?? {});
    const path = pathOf(url, request);
    const signed = signingHeaders(
      { method: request.method, path, query, host: url.host },
      { key, region, atMs: this.#clock.nowMs() },
    );
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const sent = send({
      method: request.method,
      hostname: url.hostname.replaceAll(/^\[|\]$/g, ''),
      port: url.port,
      path: query === '' ? path : `${path}?${query}`,
      agent: this.#agent,
      headers: { ...request.headers, ...signed, 'accept-encoding': 'identity' },
      signal,
    });
    sent.setTimeout(SILENCE_MS_MAX, () => sent.destroy(silence()));
    const answer = Promise.withResolvers<IncomingMessage>();
    // Once the answer has begun, its body tells of what goes wrong.
    sent.once('response', answer.resolve).on('error', (error) => answer.reject(connectionError(error)));
    sent.end();
    const body = await answer.promise;
    const status = body.statusCode ?? 0;
    if (status >= 200 && status < 300) return { status, headers: body.headers, body };
    throw await refusal(request, status, body);
  }
}

/** Runs `attempt` again where it fails with what may pass. */
export async function retrying<Value>(attempt: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
  for (let failuresCount = 0; ; ) {
    try {
      return await attempt();
    } catch (error) {
      failuresCount += 1;
      await waitToRetry(error, failuresCount, signal);
    }
  }
}

/** Waits before the next attempt; throws `error` where there is to be none. */
export async function waitToRetry(error: unknown, failuresCount: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (failuresCount >= ATTEMPTS_MAX || !(error instanceof EndpointError && error.isTransient)) throw error;
  await delay(Math.min(DELAY_MS * 2 ** (failuresCount - 1), DELAY_MS_MAX), undefined, { signal });
}

/** The bytes of an answer; a connection that is lost is an `EndpointError`. */
export async function* bytesOf(body: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk;
  } catch (error) {
    throw error instanceof Error && !(error instanceof EndpointError) ? connectionError(error) : error;
  }
}

function pathOf(url: URL, { bucket, key }: ClientRequest): string {
  const base = url.pathname.replace(/\/$/, '');
  if (bucket === undefined) return `${base}/`;
  return key === undefined ? `${base}/${encodePath(bucket)}` : `${base}/${encodePath(bucket)}/${encodePath(key)}`;
}

async function readWhole(body: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of bytesOf(body)) {
    sizeBytes += chunk.length;
    if (sizeBytes > DOCUMENT_BYTES_MAX) {
      throw new EndpointError(`The source's answer is longer than ${DOCUMENT_BYTES_MAX} bytes.`, { code: 'TooLong' });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What an answer that is no success says. */
async function refusal({ method }: ClientRequest, status: number, body: IncomingMessage): Promise<EndpointError> {
  const bytes = await readWhole(body);
  let code = `${status}`;
  let message = '';
  try {
    const { children } = parseXml(method === 'HEAD' ? Buffer.from('<Error/>') : bytes);
    const named = children.find(({ name }) => name === 'Code')?.text ?? '';
    if (ERROR_CODE.test(named)) code = named;
    message = (children.find(({ name }) => name === 'Message')?.text ?? '').slice(0, MESSAGE_UNITS_MAX);
  } catch (error) {
    // A proxy between may answer with a page.
    if (!(error instanceof XmlError)) throw error;
  }
  const region = body.headers['x-amz-bucket-region'];
  const hint = typeof region === 'string' && status !== 404 ? ` The bucket lies in region ${region}.` : '';
  const said = [`The source answered ${status}`, code === `${status}` ? '' : ` ${code}`, message && `: ${message}`];
  return new EndpointError(`${said.join('').replace(/\.?$/, '.')}${hint}`, { status, code });
}

function silence(): Error {
  return Object.assign(new Error(`nothing came for ${SILENCE_MS_MAX / 1000} seconds`), { code: 'ETIMEDOUT' });
}
