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

/**
 * One keep-alive connection that sends requests made beforehand and reads the answers with as little work as it can,
 * so that a measurement is the server's and not its own. One request at a time.
 */
export class Connection implements Disposable {
  readonly #socket: Socket;
  #pending: Pending | undefined;
  /** Why nothing can be sent any more. */
  #broken: unknown;

  private constructor({ host, port, isTls = false }: ConnectionAddress) {
    const onread = {
      buffer: Buffer.allocUnsafeSlow(isTls ? 0 : READ_BYTES),
      callback: (count: number, buffer: Uint8Array) => {
        this.#receive(Buffer.from(buffer.buffer, buffer.byteOffset, count));
        return true;
      },
    };
    this.#socket = isTls ? connectTls({ host, port, servername: host }) : connect({ host, port, onread });
    if (isTls) this.#socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    this.#socket
      .setNoDelay(true)
      .setTimeout(SILENCE_MS_MAX, () => this.close(new Error(`Nothing came for ${SILENCE_MS_MAX / 1000} seconds.`)))
      .on('error', (error) => this.close(error))
      .on('close', () => this.close(new Error('The server closed the connection.')));
  }

  /** Connects. Rejects with the error of the system. */
  static async open(address: ConnectionAddress): Promise<Connection> {
    const connection = new Connection(address);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    connection.#socket.once(address.isTls === true ? 'secureConnect' : 'connect', resolve).once('error', reject);
    await promise;
    return connection;
  }

  /**
   * Sends `parts` and waits for the whole answer; the body of a success that is not `expected` is an error. After any
   * error the connection is closed.
   */
  send(parts: readonly Uint8Array[], expected?: Uint8Array): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#broken !== undefined) return reject(this.#broken);
      this.#pending = { reader: new AnswerReader(expected), resolve, reject };
      const [only] = parts;
      if (parts.length === 1 && only !== undefined) {
        this.#socket.write(only);
        return undefined;
      }
      this.#socket.cork();
      for (const part of parts) this.#socket.write(part);
      this.#socket.uncork();
      return undefined;
    });
  }

  /** Closes the connection when `signal` fires, with its reason. */
  closeWith(signal: AbortSignal): void {
    const onAbort = () => this.close(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#socket.once('close', () => signal.removeEventListener('abort', onAbort));
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

  #receive(bytes: Buffer): void {
    const pending = this.#pending;
    if (pending === undefined) {
      this.close(new Error('The server said something unasked.'));
      return;
    }
    try {
      if (!pending.reader.take(bytes)) return;
      const answer = pending.reader.answer();
      this.#pending = undefined;
      pending.resolve(answer);
    } catch (error) {
      this.close(error);
    }
  }
}
