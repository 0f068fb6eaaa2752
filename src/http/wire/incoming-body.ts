import { S3Error } from '../../domain/s3-error.ts';
import { startStopwatch } from '../../observe/stopwatch.ts';
import { freeOnReturn, LentParts, returnPiece } from '../../stores/lent-pieces.ts';
import type { ByteSource } from '../byte-source.ts';
import type { HttpLimits } from '../limits.ts';
import { ChunkedCoding } from './chunked-coding.ts';
import type { BodyFraming } from './request-head.ts';

/** How much of a body may have come before anybody asks for it, in bytes; the system holds what comes then. */
const AHEAD_BYTES_MAX = 128 * 1024;
/** A body that says it is no longer than this is handed over in one piece, in bytes: it is hashed and stored as one. */
const WHOLE_BYTES_MAX = AHEAD_BYTES_MAX;

type BodyLimits = Pick<HttpLimits, 'bodyWindowMs' | 'bodyWindowBytesMin' | 'drainBytesMax' | 'drainTimeoutMs'>;

export interface IncomingBodyOptions {
  readonly framing: BodyFraming;
  readonly limits: BodyLimits;
  /** Tells a client that waits for it to send its body; `undefined` where it does not wait. */
  readonly sendContinue: (() => void) | undefined;
  /** Lets the connection hand over what comes, or wait. */
  readonly setFlowing: (isFlowing: boolean) => void;
}

/**
 * The body of a request as it comes off its connection: read at the reader's pace, told to be sent when it is first
 * asked for, and given up on when the client sends next to nothing.
 *
 * Throws: IncompleteBody (the client went away), BadRequest (it broke the chunked coding), RequestTimeout 400.
 */
export class IncomingBody implements ByteSource {
  readonly #limits: BodyLimits;
  readonly #setFlowing: (isFlowing: boolean) => void;
  readonly #coding: ChunkedCoding | undefined;
  /** What has not come yet: infinity where only the coding knows. */
  #missingBytes: number;
  readonly #comesWhole: boolean;
  #sendContinue: (() => void) | undefined;
  /** Pieces that came and were not asked for yet. */
  readonly #arrived: Uint8Array[] = [];
  #arrivedBytes = 0;
  #isHeldUp = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #receivedBytes = 0;
  /** Time waited for the client, and bytes it sent, since the last check. */
  #waitedMs = 0;
  #windowBytes = 0;

  constructor({ framing, limits, sendContinue, setFlowing }: IncomingBodyOptions) {
    this.#limits = limits;
    this.#sendContinue = sendContinue;
    this.#setFlowing = setFlowing;
    this.#coding = framing.kind === 'chunked' ? new ChunkedCoding() : undefined;
    this.#missingBytes = framing.kind === 'length' ? framing.bytes : 0;
    if (framing.kind === 'chunked') this.#missingBytes = Number.POSITIVE_INFINITY;
    this.#comesWhole = this.#missingBytes <= WHOLE_BYTES_MAX;
  }

  /** Bytes that were handed to the reader. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Whether all of it has arrived, read or not. */
  get isComplete(): boolean {
    return this.#missingBytes === 0;
  }

  /** Whether the connection can serve another request once `drain` has ended. */
  get isDrainable(): boolean {
    if (this.isComplete) return true;
    if (this.#failure !== undefined || this.#sendContinue !== undefined) return false;
    return this.#missingBytes + this.#arrivedBytes <= this.#limits.drainBytesMax;
  }

  /** Takes what came on the connection, and returns what of it comes after the end of the body. */
  receive(bytes: Buffer): Buffer | undefined {
    if (this.#coding !== undefined) return this.#decode(this.#coding, bytes);
    const missingBytes = this.#missingBytes;
    if (bytes.length <= missingBytes) {
      this.#missingBytes -= bytes.length;
      this.#arrive(bytes);
      return undefined;
    }
    this.#missingBytes = 0;
    if (missingBytes > 0) this.#arrive(bytes.subarray(0, missingBytes));
    return bytes.subarray(missingBytes);
  }

  next(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const sendContinue = this.#sendContinue;
    this.#sendContinue = undefined;
    sendContinue?.();
    const piece = this.#take();
    if (piece !== undefined) return piece;
    return this.#isAtEnd() ? undefined : this.#waitForNext();
  }

  /** Ends a body that has not arrived whole with an error: nothing more of it comes. */
  fail(error: Error): void {
    if (this.isComplete) return;
    this.#failure ??= error;
    this.#wake?.();
  }

  /** Reads and forgets what is left, up to a limit of bytes and time; whether it got to the end. */
  async drain(): Promise<boolean> {
    this.#sendContinue = undefined;
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

  #decode(coding: ChunkedCoding, bytes: Buffer): Buffer | undefined {
    const parts = new LentParts(freeOnReturn(bytes));
    const rest = coding.decode(bytes, (start, end) => this.#arrive(parts.part(start, end)));
    if (rest === undefined) parts.end();
    if (coding.isAtEnd) {
      this.#missingBytes = 0;
      this.#wake?.();
    }
    return rest;
  }

  #arrive(piece: Uint8Array): void {
    this.#arrived.push(piece);
    this.#arrivedBytes += piece.length;
    this.#windowBytes += piece.length;
    if (this.#wake !== undefined) {
      if (!this.#comesWhole || this.isComplete) this.#wake();
    } else if (this.#arrivedBytes >= AHEAD_BYTES_MAX && !this.#isHeldUp) {
      this.#isHeldUp = true;
      this.#setFlowing(false);
    }
  }

  #take(): Uint8Array | undefined {
    const piece = this.#comesWhole ? this.#takeWhole() : this.#arrived.shift();
    if (piece === undefined) return undefined;
    this.#arrivedBytes -= piece.length;
    this.#receivedBytes += piece.length;
    if (this.#isHeldUp && this.#arrivedBytes < AHEAD_BYTES_MAX) {
      this.#isHeldUp = false;
      this.#setFlowing(true);
    }
    return freeOnReturn(piece);
  }

  #takeWhole(): Uint8Array | undefined {
    if (!this.isComplete) return undefined;
    const pieces = this.#arrived.splice(0);
    if (pieces.length <= 1) return pieces[0];
    const whole = Buffer.concat(pieces);
    for (const piece of pieces) returnPiece(freeOnReturn(piece));
    return whole;
  }

  /** Throws where the body ended too early. */
  #isAtEnd(): boolean {
    if (this.isComplete) return this.#arrived.length === 0;
    if (this.#failure !== undefined) throw this.#failure;
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
}
