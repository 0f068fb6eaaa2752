import type { Socket } from 'node:net';
import { returnerOf, returnPiece } from '../../stores/lent-pieces.ts';
import { type ReplyHeadParts, replyHead } from './reply-head.ts';

/** Answers up to this length, head and body, go out as one piece, in bytes. */
const JOINED_BYTES_MAX = 32 * 1024;
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/** Where short answers are put together; another takes its place while a socket still reads it. */
let scratch = Buffer.allocUnsafeSlow(JOINED_BYTES_MAX);

/** The answer to one request: its head goes out with what first follows it. */
export class Answer {
  readonly #socket: Socket;
  /** Begun, and not sent yet. */
  #head = '';
  #isBegun = false;
  #isLast = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Whether its connection closes after it. */
  get isLast(): boolean {
    return this.#isLast;
  }

  /** Whether it is too late for another answer. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** Whether nobody is there to take it. */
  get isGone(): boolean {
    return this.#socket.destroyed || this.#socket.errored !== null;
  }

  /** How much of what was written waits for the client, in bytes. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  /** Whether so much waits that `drained` is to be awaited before more is written. */
  get needsDrain(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** An interim answer: the client is to send its body. */
  sendContinue(): void {
    this.#socket.write(CONTINUE, 'latin1');
  }

  /** Throws TypeError, and has not begun then, for headers that cannot be sent. `isLast`: its connection closes after it. */
  begin({ isLast, ...parts }: ReplyHeadParts & { readonly isLast: boolean }): void {
    this.#head = replyHead(parts);
    this.#isBegun = true;
    this.#isLast = isLast;
  }

  /** Sends the next bytes of the body; a piece that was lent is returned when they have left the process. */
  write(bytes: Uint8Array): void {
    const head = this.#takeHead();
    // Over TLS it would be copied once more, and never be off at once.
    if (head.length + bytes.length <= JOINED_BYTES_MAX && !('encrypted' in this.#socket)) {
      this.#writeJoined(head, bytes);
      returnPiece(bytes);
      return;
    }
    const giveBack = returnerOf(bytes);
    const onSent = giveBack && ((failure?: Error | null) => failure ?? giveBack());
    this.#socket.cork();
    if (head !== '') this.#socket.write(head, 'latin1');
    this.#socket.write(bytes, onSent);
    this.#socket.uncork();
  }

  /** Sends the head where nothing has followed it yet. */
  flush(): void {
    const head = this.#takeHead();
    if (head !== '') this.#socket.write(head, 'latin1');
  }

  /** Resolves when the client has taken what waits; rejects with the reason of `signal`, which fires where it takes too long. */
  async drained({ signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number }): Promise<void> {
    const socket = this.#socket;
    socket.setTimeout(timeoutMs);
    await new Promise<void>((resolve, reject) => {
      const settle = () => {
        socket.off('drain', settle);
        signal.removeEventListener('abort', settle);
        if (signal.aborted) reject(signal.reason);
        else resolve();
      };
      socket.on('drain', settle);
      signal.addEventListener('abort', settle);
      if (signal.aborted) settle();
    });
    socket.setTimeout(0);
  }

  /** Cuts the connection: the client never takes what it has for the whole. */
  destroy(): void {
    this.#socket.destroy();
  }

  #takeHead(): string {
    const head = this.#head;
    this.#head = '';
    return head;
  }

  /** One call to the system, and no buffer for the garbage collector: most sockets take all of it at once. */
  #writeJoined(head: string, bytes: Uint8Array): void {
    const headBytes = scratch.write(head, 'latin1');
    scratch.set(bytes, headBytes);
    this.#socket.write(scratch.subarray(0, headBytes + bytes.length));
    if (this.#socket.writableLength > 0) scratch = Buffer.allocUnsafeSlow(JOINED_BYTES_MAX);
  }
}
