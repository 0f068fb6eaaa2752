import { fstatSync, write, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Longest text that is gathered for a file before it is written, in UTF-16 units. */
const GATHERED_UNITS_MAX = 64 * 1024;
/** Longest text that waits for a slow reader, in UTF-16 units; lines that come when there is more are lost. */
const WAITING_UNITS_MAX = 4 * 1024 * 1024;
/** How long after a reader that takes nothing at the moment is asked again. */
const BUSY_MS = 10;
/** How long `flush` waits for a slow reader. */
const FLUSH_MS_MAX = 1_000;

const NEWLINE = 0x0a;
const writeAsync = promisify(write);

export interface LineOutputOptions {
  readonly fd: number;
  /** Called when a line is lost and none was lost before, or since `onRecovered`. */
  readonly onLoss: (error: unknown) => void;
  /** Called when lines can be written again, with how many were lost. */
  readonly onRecovered: (lostLines: number) => void;
  /** Called for every loss, with how many lines it was. */
  readonly countLost?: (lines: number) => void;
}

/**
 * Writes lines to a descriptor, those of one turn of the event loop together, and whole, so that lines of several
 * processes do not mix. Whoever writes never fails and never waits: what a full disk or a broken pipe does not take is
 * lost and counted. Files are written at once, anything else, which may have a slow reader, in the background.
 */
export class LineOutput {
  readonly #options: LineOutputOptions;
  readonly #isFile: boolean;
  #waiting = '';
  #isScheduled = false;
  /** The writing in the background. */
  #running: Promise<void> | undefined;
  #lostLines = 0;
  /** The last line was written in part. */
  #isTorn = false;

  constructor(options: LineOutputOptions) {
    this.#options = options;
    this.#isFile = fstatSync(options.fd).isFile();
  }

  /** Takes a line with its end. */
  write(line: string): void {
    if (this.#waiting.length + line.length > WAITING_UNITS_MAX) {
      this.#lose(1, new Error('nobody reads it'));
      return;
    }
    this.#waiting += line;
    if (this.#isFile && this.#waiting.length >= GATHERED_UNITS_MAX) this.#writeOut();
    else this.#schedule();
  }

  /** Resolves once what was taken is written or lost, or a slow reader has had its time. A file has it at once. */
  async flush(): Promise<void> {
    this.#writeOut();
    await Promise.race([this.#running, delay(FLUSH_MS_MAX, undefined, { ref: false })]);
  }

  /** Writes what waits before the process ends, unless a slow reader would hold that up. */
  finish(): void {
    if (this.#waiting !== '' && this.#running === undefined) this.#writeAtOnce();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#writeOut();
    });
  }

  #writeOut(): void {
    if (this.#waiting === '' || this.#running !== undefined) return;
    if (this.#isFile) this.#writeAtOnce();
    else {
      this.#running = this.#writeInBackground().finally(() => {
        this.#running = undefined;
      });
    }
  }

  #writeAtOnce(): void {
    const bytes = this.#takeWaiting();
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(this.#options.fd, bytes, written);
      this.#ended();
    } catch (error) {
      this.#failed(bytes, written, error);
    }
  }

  async #writeInBackground(): Promise<void> {
    while (this.#waiting !== '') {
      const bytes = this.#takeWaiting();
      let written = 0;
      try {
        while (written < bytes.length) written += await this.#writeSome(bytes, written);
        this.#ended();
      } catch (error) {
        this.#failed(bytes, written, error);
      }
    }
  }

  async #writeSome(bytes: Buffer, from: number): Promise<number> {
    try {
      return (await writeAsync(this.#options.fd, bytes, from)).bytesWritten;
    } catch (error) {
      if (!isBusy(error)) throw error;
      await delay(BUSY_MS);
      return 0;
    }
  }

  #takeWaiting(): Buffer {
    const bytes = Buffer.from(this.#isTorn ? `\n${this.#waiting}` : this.#waiting);
    this.#waiting = '';
    return bytes;
  }

  #ended(): void {
    const lost = this.#lostLines;
    this.#lostLines = 0;
    this.#isTorn = false;
    if (lost > 0) this.#options.onRecovered(lost);
  }

  #failed(bytes: Buffer, written: number, error: unknown): void {
    // The end of a torn line, which goes before the others, ends none of them.
    const begin = this.#isTorn ? 1 : 0;
    let lost = 0;
    for (const byte of bytes.subarray(Math.max(begin, written))) if (byte === NEWLINE) lost += 1;
    if (written > 0) this.#isTorn = bytes[written - 1] !== NEWLINE;
    this.#lose(lost, error);
  }

  #lose(count: number, error: unknown): void {
    const isFirst = this.#lostLines === 0;
    this.#lostLines += count;
    this.#options.countLost?.(count);
    if (isFirst) this.#options.onLoss(error);
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}
