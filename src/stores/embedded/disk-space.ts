import { statfsSync } from 'node:fs';
import { StoreError } from '../store.ts';

/** How long a reading of the free space is used, in milliseconds, while there is plenty and near the watermark. */
const READING_MS = 1_000;
const NEAR_READING_MS = 10;
/** Less than this above the watermark is near it, in bytes: a fast disk does not take more in a second. */
const NEAR_BYTES = 2 * 1024 ** 3;
/** With less than this free, a write that fell short did so because the disk is full, in bytes. */
const FULL_BYTES = 16 * 1024 ** 2;
/** The watermark unless configured: this many bytes, or this share of a smaller file system. */
const DEFAULT_FREE_BYTES = 1024 ** 3;
const DEFAULT_FREE_SHARE = 0.02;

/**
 * The disk-full watermark of one directory: what makes data grow is refused before the file system is full, so that
 * deletes, aborts and reclaim, which need a few pages themselves, go on working.
 */
export class DiskSpace {
  readonly #directory: string;
  readonly #freeBytesMin: number | undefined;
  readonly #reusableBytes: () => number;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #freeBytes = 0;
  #minBytes = 0;

  /**
   * `freeBytesMin`: the watermark in bytes; without it 1 GiB, or 2 % of a file system smaller than 50 GiB.
   * `reusableBytes`: what is free inside files that never get shorter; asked for near the watermark.
   */
  constructor(options: { directory: string; freeBytesMin: number | undefined; reusableBytes?: () => number }) {
    this.#directory = options.directory;
    this.#freeBytesMin = options.freeBytesMin;
    this.#reusableBytes = options.reusableBytes ?? (() => 0);
  }

  /** Throws `storage-full` while less than the watermark is free, by a reading that is at most a second old. */
  requireFree(): void {
    const isNear = this.#freeBytes - this.#minBytes < NEAR_BYTES;
    if (performance.now() - this.#readAtMs >= (isNear ? NEAR_READING_MS : READING_MS)) this.#read();
    if (this.#freeBytes >= this.#minBytes) return;
    throw new StoreError(
      'storage-full',
      `Only ${this.#freeBytes} bytes are free in ${this.#directory}, below the watermark of ${this.#minBytes}: ` +
        'writes are refused until space is freed; reads and deletes go on working.',
    );
  }

  /** Whether nothing more fits now. */
  isFull(): boolean {
    const { bavail, bsize } = statfsSync(this.#directory);
    return bavail * bsize < FULL_BYTES;
  }

  #read(): void {
    const { bavail, blocks, bsize } = statfsSync(this.#directory);
    this.#freeBytes = bavail * bsize;
    this.#minBytes =
      this.#freeBytesMin ?? Math.min(DEFAULT_FREE_BYTES, Math.floor(blocks * bsize * DEFAULT_FREE_SHARE));
    if (this.#freeBytes < this.#minBytes) this.#freeBytes += this.#reusableBytes();
    this.#readAtMs = performance.now();
  }
}
