import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { mkdtemp, open, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FILLER_PIECE_BYTES = 64 * 1024;

/** A file system of its own, so small that it can be filled; gone when disposed of. */
export class SmallDisk implements AsyncDisposable {
  readonly path: string;
  readonly #filler: string;

  private constructor(path: string) {
    this.path = path;
    this.#filler = join(path, 'filler');
  }

  static async mount(sizeBytes: number): Promise<SmallDisk> {
    const path = await mkdtemp(join(tmpdir(), 'pithos-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', path], { stdio: 'pipe' });
    } catch (cause) {
      await rmdir(path);
      throw new Error('This test needs a small disk of its own: run it as root, where a tmpfs may be mounted.', {
        cause,
      });
    }
    return new SmallDisk(path);
  }

  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Somebody else takes the space, but for `freeBytes`. */
  async takeAllBut(freeBytes: number): Promise<void> {
    await using file = await open(this.#filler, 'w');
    for (let left = this.freeBytes() - freeBytes; left > 0; ) {
      const { bytesWritten } = await file.write(Buffer.alloc(Math.min(left, FILLER_PIECE_BYTES)));
      left -= bytesWritten;
    }
  }

  async giveBack(): Promise<void> {
    await rm(this.#filler, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    execFileSync('umount', [this.path]);
    await rmdir(this.path);
  }
}
