import { connect, type Socket } from 'node:net';

/** What came back: enough to judge the answer and to measure it. */
export interface Answer {
  readonly status: number;
  /** The status line and the headers. */
  readonly head: string;
  /** Empty where the body was compared as it came, or has no length given. */
  readonly body: Buffer;
  readonly bodyBytes: number;
  readonly durationMs: number;
}

const HEADER_END = Buffer.from('\r\n\r\n');

/**
 * One keep-alive connection that sends requests made beforehand and reads the answers with as little work as it can,
 * so that a measurement is the server's and not its own. Bodies are compared with what they should be as they come.
 */
export class Connection {
  readonly #socket: Socket;
  #pending: Pending | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('The server closed the connection.')));
  }

  static open(address: { host: string; port: number }): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(address.port, address.host, () => resolve(new Connection(socket)));
      socket.once('error', reject);
    });
  }

  /** Sends `parts` and waits for the whole answer; the body of a success that is not `expected` is an error. */
  send(parts: readonly Uint8Array[], expected?: Uint8Array): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#pending = new Pending(expected, resolve, reject);
      this.#socket.cork();
      for (const part of parts) this.#socket.write(part);
      this.#socket.uncork();
    });
  }

  close(): void {
    this.#pending = undefined;
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    try {
      if (!pending.take(bytes)) return;
      this.#pending = undefined;
      pending.finish();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.reject(error);
  }
}

/** The answer that is being received. */
class Pending {
  readonly #expected: Uint8Array | undefined;
  readonly #resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  readonly #beganAt = performance.now();
  #head: Buffer | undefined = Buffer.alloc(0);
  #headText = '';
  readonly #body: Buffer[] = [];
  #status = 0;
  #length = 0;
  #received = 0;
  #chunked: ChunkedEnd | undefined;

  constructor(expected: Uint8Array | undefined, resolve: (answer: Answer) => void, reject: (error: unknown) => void) {
    this.#expected = expected;
    this.#resolve = resolve;
    this.reject = reject;
  }

  /** Takes what arrived; true when the answer is whole. */
  take(bytes: Buffer): boolean {
    if (this.#head === undefined) return this.#takeBody(bytes);
    this.#head = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes]);
    const end = this.#head.indexOf(HEADER_END);
    if (end < 0) return false;
    const body = this.#head.subarray(end + HEADER_END.length);
    this.#readHead(this.#head.toString('latin1', 0, end));
    this.#head = undefined;
    return this.#takeBody(body);
  }

  finish(): void {
    this.#resolve({
      status: this.#status,
      head: this.#headText,
      body: Buffer.concat(this.#body),
      bodyBytes: this.#received,
      durationMs: performance.now() - this.#beganAt,
    });
  }

  #readHead(head: string): void {
    this.#headText = head;
    this.#status = Number(head.slice(9, 12));
    this.#length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (/\r\ntransfer-encoding: *chunked/i.test(head)) this.#chunked = new ChunkedEnd();
    if (this.#status === 204 || this.#status === 304) this.#length = 0;
  }

  #takeBody(bytes: Buffer): boolean {
    if (this.#chunked !== undefined) {
      this.#received += bytes.length;
      return this.#chunked.take(bytes);
    }
    const expected = this.#expected;
    if (expected === undefined || this.#status >= 300) {
      this.#body.push(bytes);
    } else if (bytes.length > 0) {
      const same = bytes.equals(expected.subarray(this.#received, this.#received + bytes.length));
      if (!same) throw new Error(`The body differs within the ${bytes.length} bytes after byte ${this.#received}.`);
    }
    this.#received += bytes.length;
    return this.#received >= this.#length;
  }
}

/** Sees where a chunked body ends: by its last bytes, which no XML document has. */
class ChunkedEnd {
  static readonly #END = Buffer.from('0\r\n\r\n');
  #tail = Buffer.alloc(0);

  take(bytes: Buffer): boolean {
    this.#tail = Buffer.concat([this.#tail, bytes]).subarray(-ChunkedEnd.#END.length);
    return this.#tail.equals(ChunkedEnd.#END);
  }
}
