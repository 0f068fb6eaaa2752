/** Longest text that is gathered, in UTF-16 units. */
const GATHERED_UNITS_MAX = 64 * 1024;

/**
 * Writes the lines of one turn of the event loop together, before the loop waits for anything: a busy process calls the
 * system once for several requests. Each write is of whole lines, so those of several processes do not mix.
 */
export class GatheredLines {
  readonly #write: (lines: string) => void;
  #lines = '';

  constructor(write: (lines: string) => void) {
    this.#write = write;
  }

  /** Takes a line with its end. */
  write(line: string): void {
    if (this.#lines === '') setImmediate(() => this.flush());
    this.#lines += line;
    if (this.#lines.length >= GATHERED_UNITS_MAX) this.flush();
  }

  /** Writes what is gathered, now. */
  flush(): void {
    const lines = this.#lines;
    this.#lines = '';
    if (lines !== '') this.#write(lines);
  }
}
