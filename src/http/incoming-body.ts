import type { IncomingMessage, ServerResponse } from 'node:http';
import { S3Error } from '../domain/s3-error.ts';
import { startStopwatch } from '../observe/stopwatch.ts';
import { freeOnReturn } from '../stores/lent-pieces.ts';
import type { ByteSource } from './byte-source.ts';
import type { HttpLimits } from './limits.ts';

type BodyLimits = Pick<HttpLimits, 'bodyWindowMs' | 'bodyWindowBytesMin' | 'drainBytesMax' | 'drainTimeoutMs'>;

export interface IncomingBodyOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly limits: BodyLimits;
  /** The client sends its body only when it is told to (`Expect: 100-continue`). */
  readonly awaitsContinue: boolean;
}

/**
 * The body of a request as it comes off its connection: read at the reader's pace, told to be sent when it is first
 * asked for, and given up on when the client sends next to nothing.
 *
 * Throws: IncompleteBody (the client went away or broke its framing), RequestTimeout 400.
 */
export class IncomingBody implements ByteSource {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #limits: BodyLimits;
  #awaitsContinue: boolean;
  /** Whether pieces are taken as they come, rather than asked for. */
  #isFlowing = false;
  /** Pieces that came while nobody waited. */
  readonly #arrived: Uint8Array[] = [];
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #receivedBytes = 0;
  /** Time waited for the client, and bytes it sent, since the last check. */
  #waitedMs = 0;
  #windowBytes = 0;

  constructor({ request, response, limits, awaitsContinue }: IncomingBodyOptions) {
    this.#request = request;
    this.#response = response;
    this.#limits = limits;
    this.#awaitsContinue = awaitsContinue;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Whether all of it has arrived, read or not. */
  get isComplete(): boolean {
    return this.#request.complete;
  }

  /** Whether the connection can serve another request once `drain` has ended. */
  get isDrainable(): boolean {
    if (this.isComplete) return true;
    if (this.#failure !== undefined || this.#awaitsContinue) return false;
    return this.#declaredBytes - this.#receivedBytes <= this.#limits.drainBytesMax;
  }

  /** NaN where the body comes in chunks, or there is none. */
  get #declaredBytes(): number {
    return Number(this.#request.headers['content-length'] ?? Number.NaN);
  }

  next(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (this.#awaitsContinue) {
      this.#awaitsContinue = false;
      this.#response.writeContinue();
    }
    const piece = this.#take();
    if (piece !== undefined) return piece;
    if (this.#isAtEnd()) return undefined;
    return this.#waitForNext();
  }

  /** Ends a body that has not arrived whole with an error: the connection's parser has found it broken. */
  fail(error: Error): void {
    if (this.isComplete) return;
    this.#failure ??= error;
    this.#wake?.();
  }

  /** Reads and forgets what is left, up to a limit of bytes and time; whether it got to the end. */
  async drain(): Promise<boolean> {
    this.#awaitsContinue = false;
    const limitBytes = this.#receivedBytes + this.#limits.drainBytesMax;
    const timer = setTimeout(() => this.fail(new S3Error('RequestTimeout')), this.#limits.drainTimeoutMs);
    try {
      while (this.#receivedBytes <= limitBytes) {
        if ((await this.next()) === undefined) return true;
      }
      return false;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  /** What came with the head is taken in one; what comes later piece by piece, for joining pieces would copy them. */
  #take(): Uint8Array | undefined {
    const piece: unknown = this.#isFlowing ? this.#arrived.shift() : this.#request.read();
    if (this.#isFlowing && this.#arrived.length === 0) this.#request.resume();
    if (!(piece instanceof Uint8Array)) return undefined;
    this.#receivedBytes += piece.length;
    this.#windowBytes += piece.length;
    return freeOnReturn(piece);
  }

  /** Throws where the body ended too early. */
  #isAtEnd(): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    // The parser says so only after its last piece was handed out: to wait for that takes a timer and four listeners.
    if (this.#receivedBytes === this.#declaredBytes) return true;
    if (this.#request.complete) return this.#request.readableLength === 0 && this.#arrived.length === 0;
    if (this.#request.destroyed) throw new S3Error('IncompleteBody');
    return false;
  }

  async #waitForNext(): Promise<Uint8Array | undefined> {
    for (;;) {
      await this.#wait();
      const piece = this.#take();
      if (piece !== undefined) return piece;
      if (this.#isAtEnd()) return undefined;
    }
  }

  async #wait(): Promise<void> {
    this.#flow();
    const { bodyWindowMs, bodyWindowBytesMin } = this.#limits;
    const waitedMs = startStopwatch();
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, bodyWindowMs - this.#waitedMs);
    });
    clearTimeout(timer);
    this.#wake = undefined;
    this.#waitedMs += waitedMs();
    if (this.#waitedMs < bodyWindowMs) return;
    if (this.#windowBytes < bodyWindowBytesMin) this.fail(new S3Error('RequestTimeout'));
    this.#waitedMs = 0;
    this.#windowBytes = 0;
  }

  #flow(): void {
    if (this.#isFlowing) return;
    this.#isFlowing = true;
    const wake = () => this.#wake?.();
    this.#request.on('end', wake).on('close', wake);
    this.#request.on('error', () => this.fail(new S3Error('IncompleteBody')));
    this.#request.on('data', (piece: Uint8Array) => {
      this.#arrived.push(piece);
      // One that nobody waits for is enough, and what the request and its socket hold beside it.
      if (this.#wake === undefined) this.#request.pause();
      else wake();
    });
  }
}
