import { constants } from 'node:fs';
import { FRAME_BYTES } from './blob-frames.ts';
import { buffersAfter } from './buffer-pool.ts';
import { ALIGNED_FRAMES } from './frame-buffers.ts';
import { OpenFile } from './open-file.ts';
import { fileError, systemCode } from './system-error.ts';

/** Only the user of the server reads what it keeps. */
export const FILE_MODE = 0o600;
/** Not of all systems: elsewhere it is undefined, whatever Node's types say. */
const O_DIRECT: number | undefined = constants.O_DIRECT;
const DIRECT_FLAGS = constants.O_WRONLY | constants.O_NOFOLLOW | (O_DIRECT ?? 0);
/** What a system says that cannot write past its cache, there or from this memory. */
const NOT_DIRECT = 'EINVAL';

/**
 * The file of a blob while it is written, in frames.
 *
 * Whole frames in aligned memory are written past the cache of the system (O_DIRECT), where that and the file system
 * can; what is left goes through it. To fill the cache takes more of the processor than all else that a large write
 * asks of the system, and whoever writes much seldom reads it at once. `sync` holds for both.
 */
export class BlobFile implements Disposable {
  readonly #path: string;
  readonly #file: OpenFile;
  /** The same file, past the cache: `undefined` until the first whole frame, and where it cannot be had. */
  #direct: OpenFile | undefined;
  #mayBeDirect = O_DIRECT !== undefined;

  private constructor(path: string, file: OpenFile) {
    this.#path = path;
    this.#file = file;
  }

  /** Makes the file, which must not be there. Throws StoreError. */
  static async create(path: string): Promise<BlobFile> {
    const file = await OpenFile.open(path, 'wx', FILE_MODE).catch((error: unknown) => {
      throw fileError(`make ${path}`, error);
    });
    return new BlobFile(path, file);
  }

  /** Writes frames one after the other from `position` on, a multiple of their size. One call at a time. */
  async write(frames: readonly Buffer[], position: number): Promise<void> {
    let written = 0;
    // The system may write less than it was given.
    for (let rest = frames; rest.length > 0; rest = buffersAfter(frames, written)) {
      written += await this.#writeSome(rest, position + written);
    }
  }

  /** Resolves when all that was written is on stable storage; its name is not, before its directory is synced. */
  async sync(): Promise<void> {
    await this.#file.datasync();
  }

  /** Throws StoreError. */
  close(): void {
    try {
      this.#direct?.close();
      this.#file.close();
    } catch (error) {
      throw fileError(`close ${this.#path}`, error);
    }
  }

  /** Closes what is still open. No call may be under way. */
  [Symbol.dispose](): void {
    this.#direct?.[Symbol.dispose]();
    this.#file[Symbol.dispose]();
  }

  /** Resolves with how many bytes it wrote. */
  async #writeSome(buffers: readonly Buffer[], position: number): Promise<number> {
    const others = buffers.findIndex((buffer) => !isDirectable(buffer));
    const direct = others === 0 ? undefined : this.#openDirect();
    if (direct === undefined) return await this.#file.writev(buffers, position);
    try {
      const first = others === -1 ? buffers : buffers.slice(0, others);
      return await direct.writev(first, position);
    } catch (error) {
      if (systemCode(error) !== NOT_DIRECT) throw error;
      this.#mayBeDirect = false;
      return await this.#writeSome(buffers, position);
    }
  }

  /** Where it cannot be had the cache does as well, and what is wrong with the file shows there. */
  #openDirect(): OpenFile | undefined {
    if (!this.#mayBeDirect) return undefined;
    try {
      this.#direct ??= OpenFile.openAgain(this.#path, DIRECT_FLAGS);
    } catch {
      this.#mayBeDirect = false;
    }
    return this.#direct;
  }
}

/** The rest of a frame that was written in part is not: it need not begin where a disk can be written directly. */
function isDirectable(buffer: Buffer): boolean {
  return buffer.length === FRAME_BYTES && ALIGNED_FRAMES.has(buffer);
}
