import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import type tls from 'node:tls';
import { startStopwatch } from '../observe/stopwatch.ts';
import type { HttpLimits } from './limits.ts';
import { Connection, type ConnectionContext, RequestAborted } from './wire/connection.ts';

/** How often connections are looked over for heads that take too long, in milliseconds. */
const HEAD_CHECK_INTERVAL_MS = 5_000;
/** How long requests may take to end once they have been cut off, in milliseconds. */
const CUT_GRACE_MS = 2_000;

/** A certificate with its chain, and its key, as PEM. */
export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface ListenerOptions extends Pick<ConnectionContext, 'handle' | 'refuse'> {
  readonly limits: HttpLimits;
  /** Without it, requests come in the clear. */
  readonly tls?: TlsPair | undefined;
}

/** Where connections come in: their number, their patience, and how they end when the server stops. */
export class Listener {
  readonly #limits: HttpLimits;
  readonly #server: net.Server | tls.Server;
  readonly #context: ConnectionContext;
  /** All that are open, as the system has them; with TLS, also those whose handshake has not ended. */
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Set<Connection>();
  /** What is being answered, also where the client has gone: it may be in the middle of a write. */
  readonly #running = new Set<Promise<void>>();
  readonly #elapsedMs = startStopwatch();
  #headCheck: NodeJS.Timeout | undefined;
  #isDraining = false;
  #onAllClosed: (() => void) | undefined;

  constructor({ limits, tls: pair, handle, refuse }: ListenerOptions) {
    this.#limits = limits;
    const elapsedMs = this.#elapsedMs;
    const isDraining = () => this.#isDraining;
    this.#context = { limits, handle: (exchange) => this.#run(handle(exchange)), refuse, elapsedMs, isDraining };
    this.#server = pair === undefined ? net.createServer({ noDelay: true }) : createTlsServer(pair, limits);
    this.#server.on(pair === undefined ? 'connection' : 'secureConnection', (socket) => this.#open(socket));
    this.#server.maxConnections = limits.connectionsMax;
    this.#server.prependListener('connection', (socket: Socket) => this.#track(socket));
  }

  async listen(at: { host: string; port: number }): Promise<{ host: string; port: number }> {
    await once(this.#server.listen(at), 'listening');
    const address = this.#server.address();
    return isAddressInfo(address) ? { host: address.address, port: address.port } : at;
  }

  /** Answers on a connection that another process accepted, and handed over unread. */
  take(socket: Socket): void {
    if (this.#isDraining || this.#sockets.size >= this.#limits.connectionsMax) {
      socket.destroy();
      return;
    }
    // As for connections that are accepted here.
    socket.setNoDelay(true);
    this.#server.emit('connection', socket);
  }

  get openCount(): number {
    return this.#sockets.size;
  }

  /** What new connections are shown from now on. Throws where the pair cannot be used; the old one stays then. */
  setTls(pair: TlsPair): void {
    if (!('setSecureContext' in this.#server)) throw new TypeError('This listener has no TLS.');
    this.#server.setSecureContext(pair);
  }

  async drain({ graceMs }: { graceMs: number }): Promise<void> {
    this.#isDraining = true;
    clearInterval(this.#headCheck);
    this.#server.close();
    const allClosed = new Promise<void>((resolve) => {
      this.#onAllClosed = resolve;
    });
    for (const connection of this.#connections) connection.closeIfIdle();
    if (this.#sockets.size > 0) await Promise.race([allClosed, after(graceMs)]);
    for (const connection of this.#connections) connection.cut(new RequestAborted('The server is stopping.'));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.race([Promise.all(this.#running), after(CUT_GRACE_MS)]);
  }

  async #run(answered: Promise<void>): Promise<void> {
    this.#running.add(answered);
    try {
      await answered;
    } finally {
      this.#running.delete(answered);
    }
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#onAllClosed?.();
    });
    this.#headCheck ??= setInterval(() => this.#checkHeads(), this.#checkIntervalMs).unref();
  }

  #open(socket: Socket): void {
    // Who ends its side is still to hear the rest of an answer, or what its body lacked; within its handshake it has gone.
    socket.allowHalfOpen = true;
    const connection = new Connection(socket, this.#context);
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
  }

  get #checkIntervalMs(): number {
    return Math.min(HEAD_CHECK_INTERVAL_MS, this.#limits.headersTimeoutMs, this.#limits.keepAliveTimeoutMs);
  }

  #checkHeads(): void {
    const nowMs = this.#elapsedMs();
    for (const connection of this.#connections) connection.expire(nowMs);
  }
}

function createTlsServer(pair: TlsPair, { headersTimeoutMs }: HttpLimits): tls.Server {
  // Loaded where it is used: that takes some milliseconds of each start.
  const { createServer } = process.getBuiltinModule('node:tls');
  return createServer({ ...pair, noDelay: true, handshakeTimeout: headersTimeoutMs, ALPNProtocols: ['http/1.1'] });
}

function isAddressInfo(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

async function after(delayMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, delayMs).unref());
}
