import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { S3Error } from '../domain/s3-error.ts';
import { IncomingBody } from './incoming-body.ts';
import type { HttpLimits } from './limits.ts';

// An import of node:http, which takes every export, loads an HTTP client and a WebSocket too: 70 ms of CPU at each start.
const { createServer } = process.getBuiltinModule('node:http');

/** How often connections are looked over for heads that take too long. */
const HEAD_CHECK_INTERVAL_MS = 5_000;
/** How long a refused connection may go on sending before it is cut, so that it gets to see why. */
const REFUSAL_LINGER_MS = 1_000;
/** How long requests may take to end once they have been cut off. */
const CUT_GRACE_MS = 2_000;

/** A certificate with its chain, and its key, as PEM. */
export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface ListenerOptions {
  readonly limits: HttpLimits;
  /** Without it, requests come in the clear. */
  readonly tls?: TlsPair | undefined;
  /** Answers one request. Must not reject. */
  readonly handle: (exchange: Exchange) => Promise<void>;
  /** The whole answer to bytes that are no HTTP request; the connection closes after it. */
  readonly refuse: (error: S3Error) => string;
}

/** Why the signal of a request fires. */
export class RequestAborted extends Error {
  override readonly name = 'RequestAborted';
}

/** What is known of one connection. */
class Connection {
  /** Requests that are not answered yet. */
  pendingCount = 0;
  /** Resolves when the latest of them is. */
  tail: Promise<void> = Promise.resolve();
  latest: IncomingBody | undefined;
  /** Nothing more is understood of what comes here. */
  isBroken = false;
}

/** One request and its answer, on one connection. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: IncomingBody;
  /** Fires when the client has gone, or the server stops waiting. */
  readonly signal: AbortSignal;
  readonly #isLast: () => boolean;

  constructor(parts: Pick<Exchange, 'request' | 'response' | 'body' | 'signal'>, isLast: () => boolean) {
    this.request = parts.request;
    this.response = parts.response;
    this.body = parts.body;
    this.signal = parts.signal;
    this.#isLast = isLast;
  }

  /** Whether this is to be the last answer on its connection, as things stand. */
  get isLast(): boolean {
    return this.#isLast();
  }
}

/**
 * The node:http server: connections, limits and shutdown. Requests on one connection are answered one after the other,
 * as HTTP has it, so a client that sends many at once occupies the server with one.
 */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server | https.Server;
  readonly #connections = new WeakMap<Duplex, Connection>();
  readonly #running = new Map<AbortController, Promise<void>>();
  readonly #taken = new Set<Socket>();
  #isDraining = false;

  constructor(options: ListenerOptions) {
    const { limits, tls } = options;
    this.#options = options;
    const serverOptions = {
      insecureHTTPParser: false,
      // The answer of node:http itself would have neither an id nor a document: `lacksHost` asks instead.
      requireHostHeader: false,
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(HEAD_CHECK_INTERVAL_MS, limits.headersTimeoutMs),
    };
    this.#server =
      tls === undefined
        ? createServer(serverOptions)
        : https.createServer({ ...serverOptions, ...tls, handshakeTimeout: limits.headersTimeoutMs });
    this.#server.timeout = 0;
    // Headers past a count would be dropped silently; `maxHeaderSize` bounds them all.
    this.#server.maxHeadersCount = 0;
    this.#server.maxConnections = limits.connectionsMax;
    this.#server
      .on('request', (request, response) => this.#onRequest(request, response, false))
      .on('checkContinue', (request, response) => this.#onRequest(request, response, true))
      // Any other expectation is ignored, as S3 does.
      .on('checkExpectation', (request, response) => this.#onRequest(request, response, false))
      .on('connect', (_, socket) => this.#refuse(socket, new S3Error('MethodNotAllowed')))
      .on('clientError', (error, socket) => this.#onClientError(error, socket));
  }

  async listen(at: { host: string; port: number }): Promise<{ host: string; port: number }> {
    await once(this.#server.listen(at), 'listening');
    const address = this.#server.address();
    return isAddressInfo(address) ? { host: address.address, port: address.port } : at;
  }

  /** Answers on a connection that another process accepted, and handed over unread. */
  take(socket: Socket): void {
    if (this.#isDraining || this.#taken.size >= this.#options.limits.connectionsMax) {
      socket.destroy();
      return;
    }
    // Without it node:http never looks for heads that take too long.
    if (this.#taken.size === 0) this.#server.emit('listening');
    this.#taken.add(socket);
    socket.once('close', () => this.#taken.delete(socket));
    // As for connections that node:http accepts: a client may end its side and still wait for the answer.
    socket.allowHalfOpen = true;
    this.#server.emit('connection', socket);
  }

  /** Connections that were taken and are still open. */
  get takenCount(): number {
    return this.#taken.size;
  }

  /** What new connections are shown from now on. Throws where the pair cannot be used; the old one stays then. */
  setTls(tls: TlsPair): void {
    if (!('setSecureContext' in this.#server)) throw new TypeError('This listener has no TLS.');
    this.#server.setSecureContext(tls);
  }

  async drain({ graceMs }: { graceMs: number }): Promise<void> {
    this.#isDraining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // The server knows only of those that it accepted itself.
    const takenClosed = Array.from(this.#taken, (socket) => new Promise((resolve) => socket.once('close', resolve)));
    this.#server.closeIdleConnections();
    await Promise.race([Promise.all([closed, ...takenClosed]), after(graceMs)]);
    for (const controller of this.#running.keys()) controller.abort(new RequestAborted('The server is stopping.'));
    this.#server.closeAllConnections();
    await Promise.race([Promise.all(this.#running.values()), after(CUT_GRACE_MS)]);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    const connection = this.#connectionOf(request.socket);
    // What follows a request that nobody can be sure of is none.
    if (connection.isBroken) return;
    connection.isBroken = lacksHost(request);
    if (connection.pendingCount > this.#options.limits.pipelinedMax) {
      request.socket.destroy();
      return;
    }
    const controller = new AbortController();
    const body = new IncomingBody({ request, response, limits: this.#options.limits, awaitsContinue });
    response.on('error', () => controller.abort(new RequestAborted('The client has gone.')));
    // The next answer has the connection only once this one is off: an interim answer sent before would land within it.
    const closed = new Promise<void>((resolve) => {
      response.on('close', () => {
        if (!response.writableFinished) controller.abort(new RequestAborted('The client has gone.'));
        resolve();
      });
    });
    connection.latest = body;
    connection.pendingCount += 1;
    const exchange = new Exchange(
      { request, response, body, signal: controller.signal },
      () => this.#isDraining || connection.isBroken,
    );
    const before = connection.pendingCount === 1 ? undefined : connection.tail;
    connection.tail = this.#answer(exchange, { before, closed }).finally(() =>
      this.#onAnswered(connection, controller, request.socket),
    );
    this.#running.set(controller, connection.tail);
  }

  /** Resolves once the answer is off. */
  async #answer(
    exchange: Exchange,
    { before, closed }: { readonly before: Promise<void> | undefined; readonly closed: Promise<void> },
  ): Promise<void> {
    if (before !== undefined) await before;
    if (!exchange.signal.aborted) await this.#options.handle(exchange);
    // One that never got the connection, because that has gone, is never closed.
    if (!exchange.request.socket.destroyed) await closed;
  }

  #onAnswered(connection: Connection, controller: AbortController, socket: Socket): void {
    this.#running.delete(controller);
    connection.pendingCount -= 1;
    if (connection.isBroken && connection.pendingCount === 0) socket.destroySoon();
    if (this.#isDraining) setImmediate(() => this.#server.closeIdleConnections());
  }

  /** The parser has given up on a connection: whatever it still owes an answer is answered, then it closes. */
  #onClientError(error: Error & { readonly code?: string }, socket: Duplex): void {
    // Before its handshake has ended, a connection cannot be answered.
    if (isTlsError(error)) {
      socket.destroy();
      return;
    }
    const connection = this.#connectionOf(socket);
    if (connection.isBroken) return;
    connection.isBroken = true;
    const cause = clientError(error);
    if (connection.pendingCount > 0) connection.latest?.fail(cause);
    else if (!socket.writable || error.code === 'ECONNRESET' || error.code === 'EPIPE') socket.destroy();
    else this.#refuse(socket, cause);
  }

  #refuse(socket: Duplex, error: S3Error): void {
    const timer = setTimeout(() => socket.destroy(), REFUSAL_LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
    socket.on('error', () => socket.destroy());
    socket.end(this.#options.refuse(error));
    socket.resume();
  }

  #connectionOf(socket: Duplex): Connection {
    const known = this.#connections.get(socket);
    if (known !== undefined) return known;
    const connection = new Connection();
    this.#connections.set(socket, connection);
    return connection;
  }
}

/**
 * Whether a request says not where it goes: it is to be refused, and is the last that its connection is heard for.
 * Source: https://www.rfc-editor.org/rfc/rfc9112#section-3.2
 */
export function lacksHost({ httpVersion, headers }: IncomingMessage): boolean {
  return httpVersion === '1.1' && headers.host === undefined;
}

/** What the client hears of an error that node:http's parser found. */
function clientError({ code, message }: Error & { readonly code?: string }): S3Error {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new S3Error('RequestHeaderSectionTooLarge');
    case 'HPE_INVALID_EOF_STATE':
    case 'ECONNRESET':
      return new S3Error('IncompleteBody');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new S3Error('RequestTimeout');
    default:
      return new S3Error('BadRequest', { message: `The request is not well-formed HTTP: ${message}` });
  }
}

function isTlsError({ code = '' }: Error & { readonly code?: string }): boolean {
  return code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_');
}

function isAddressInfo(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

async function after(delayMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, delayMs).unref());
}
