import type { BlobId } from '../../domain/names.ts';
import type { StoreError } from '../store.ts';
import type { BlobFile } from './blob-file.ts';
import { FRAME_BYTES, FrameSeal } from './blob-frames.ts';
import { ALIGNED_FRAMES, FRAME_BUFFERS, FRAME_SHARES } from './frame-buffers.ts';
import { fileError } from './system-error.ts';

/** Frames in one write: 1 MiB. */
const WRITE_FRAMES = 4;

/**
 * Cuts a body into frames and writes them, some at a time. A slow body holds one frame in memory, a fast one as many
 * as one write and those that fill meanwhile: a second write would only wait, and spin, for the lock of the file.
 */
export class BlobWriter {
  readonly #file: BlobFile;
  readonly #id: BlobId;
  readonly #seal: FrameSeal;
  /** The write under way. Never rejects. */
  #running = Promise.resolve();
  #frame: Buffer | undefined;
  #frameEnd = 0;
  #full: Buffer[] = [];
  #sealed = 0;
  #position = 0;
  #failure: StoreError | undefined;
  sizeBytes = 0;

  constructor(file: BlobFile, id: BlobId) {
    this.#file = file;
    this.#id = id;
    this.#seal = new FrameSeal(id);
  }

  /** Takes bytes, and waits for the write under way once there are enough for the next. */
  async add(chunk: Uint8Array): Promise<void> {
    this.sizeBytes += chunk.length;
    for (let taken = 0; taken < chunk.length; ) {
      this.#frame ??= this.#takeFrame();
      const part = chunk.subarray(taken, taken + FRAME_BYTES - this.#frameEnd);
      this.#frame.set(part, this.#frameEnd);
      this.#frameEnd += part.length;
      taken += part.length;
      if (this.#frameEnd === FRAME_BYTES) this.#closeFrame(this.#frame);
      if (this.#full.length >= FRAME_SHARES.upTo(WRITE_FRAMES)) await this.#write();
    }
  }

  /** Writes what is left and waits until all is written. */
  async end(): Promise<void> {
    if (this.#frame !== undefined) this.#closeFrame(this.#frame.subarray(0, this.#frameEnd));
    if (this.#full.length > 0) await this.#write();
    await this.settle();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Waits until no write runs; throws nothing. */
  async settle(): Promise<void> {
    await this.#running;
    if (this.#frame !== undefined) giveBack(this.#frame);
    this.#full.forEach(giveBack);
    this.#frame = undefined;
    this.#full = [];
  }

  #takeFrame(): Buffer {
    this.#frameEnd = FrameSeal.payloadOffset;
    return ALIGNED_FRAMES.take() ?? FRAME_BUFFERS.take();
  }

  #closeFrame(frame: Buffer): void {
    this.#seal.seal(frame, this.#sealed++);
    this.#full.push(frame);
    this.#frame = undefined;
  }

  async #write(): Promise<void> {
    await this.#running;
    if (this.#failure !== undefined) throw this.#failure;
    const full = this.#full;
    const position = this.#position;
    this.#full = [];
    for (const frame of full) this.#position += frame.length;
    this.#running = this.#writeAt(full, position);
  }

  async #writeAt(full: Buffer[], position: number): Promise<void> {
    try {
      await this.#file.write(full, position);
    } catch (error) {
      this.#failure ??= fileError(`write blob ${this.#id}`, error);
    } finally {
      full.forEach(giveBack);
    }
  }
}

function giveBack(frame: Buffer): void {
  const pool = ALIGNED_FRAMES.has(frame) ? ALIGNED_FRAMES : FRAME_BUFFERS;
  pool.give(frame);
}
