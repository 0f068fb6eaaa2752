import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Answer, AnswerReader } from './answer-reader.ts';

/** How long a server may be silent, in milliseconds. */
const SILENCE_MS_MAX = 60_000;
/** What is read at one time, in bytes, of a connection without TLS. */
const READ_BYTES = 128 * 1024;

export interface ConnectionAddress {
  readonly host: string;
  readonly port: number;
  readonly isTls?: boolean;
}

interface Pending {
  readonly reader: AnswerReader;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** The server ends the connection after this answer. */
const CLOSES = /\r\nconnection: *close/i;

/**
 * One connection that sends requests made beforehand and reads the answers with as little work as it can, so that a
 * measurement is the server's and not its own. One request at a time. It is kept alive; where the server says that it
 * ends it, the next request goes over a new one.
 */
export class Connection implements Disposable {
  readonly #address: ConnectionAddress;
  #socket: Socket;
  #pending: Pending | undefined;
  /** The server has said that it takes no more requests on this socket. */
  #isSpent = false;
  /** Why nothing can be sent any more. */
  #broken: unknown;

  private constructor(address: ConnectionAddress) {
    this.#address = address;
    this.#socket = this.#connect();
  }

  /** Connects. Rejects with the error of the system. */
  static async open(address: ConnectionAddress): Promise<Connection> {
    const connection = new Connection(address);
    await connection.#connected();
    return connection;
  }

  /**
   * Sends `parts` and waits for the whole answer; the body of a success that is not `expected` is an error. After any
   * error the connection is closed.
   */
  async send(parts: readonly Uint8Array[], expected?: Uint8Array): Promise<Answer> {
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#isSpent) {
      this.#socket.destroy();
      this.#isSpent = false;
      this.#socket = this.#connect();
      await this.#connected();
    }
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#pending = { reader: new AnswerReader(expected), resolve, reject };
    this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    this.#socket.uncork();
    return await promise;
  }

  /** Closes the connection when `signal` fires, with its reason. */
  closeWith(signal: AbortSignal): void {
    const onAbort = () => this.close(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  }

  /** Ends the connection; a request that runs is rejected with `reason`. */
  close(reason: unknown = new Error('The connection was closed.')): void {
    this.#broken ??= reason;
    const pending = this.#pending;
    this.#pending = undefined;
    this.#socket.destroy();
    pending?.reject(reason);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #connect(): Socket {
    const { host, port, isTls = false } = this.#address;
    const onread = {
      buffer: Buffer.allocUnsafeSlow(isTls ? 0 : READ_BYTES),
      callback: (count: number, buffer: Uint8Array) => {
        this.#receive(socket, Buffer.from(buffer.buffer, buffer.byteOffset, count));
        return true;
      },
    };
    const socket: Socket = isTls ? connectTls({ host, port, servername: host }) : connect({ host, port, onread });
    if (isTls) socket.on('data', (bytes: Buffer) => this.#receive(socket, bytes));
    return socket
      .setNoDelay(true)
      .setTimeout(SILENCE_MS_MAX, () =>
        this.#lose(socket, new Error(`Nothing came for ${SILENCE_MS_MAX / 1000} seconds.`)),
      )
      .on('error', (error) => this.#lose(socket, error))
      .on('close', () => this.#lose(socket, new Error('The server closed the connection.')));
  }

  async #connected(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#socket.once(this.#address.isTls === true ? 'secureConnect' : 'connect', resolve).once('error', reject);
    this.#socket.once('close', () => reject(this.#broken));
    await promise;
  }

  #lose(socket: Socket, reason: Error): void {
    if (socket === this.#socket && !this.#isSpent) this.close(reason);
  }

  #receive(socket: Socket, bytes: Buffer): void {
    if (socket !== this.#socket) return;
    const pending = this.#pending;
    if (pending === undefined) {
      this.close(new Error('The server said something unasked.'));
      return;
    }
    try {
      if (!pending.reader.take(bytes)) return;
      const answer = pending.reader.answer();
      this.#pending = undefined;
      this.#isSpent = CLOSES.test(answer.head);
      pending.resolve(answer);
    } catch (error) {
      this.close(error);
    }
  }
}
