import { readdirSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServeProcess } from '../../support/serve-process.ts';
import { MemoryWatch, medianOf } from '../memory-watch.ts';

/** What a server had in one round of the load. */
export interface Resources {
  /** Memory of all its processes that no file stands behind, at most. */
  readonly memoryBytes: number;
  /** Open files of all its processes, at the end of the load. */
  readonly openFiles: number;
  /** Of its data directory, after the load. */
  readonly diskBytes: number;
}

/** A later third of the rounds may have so much more than the first, by factor and on top of it. */
const GROWTH_MAX = 1.5;
const SLACK: Resources = { memoryBytes: 64 * 1024 ** 2, openFiles: 64, diskBytes: 256 * 1024 ** 2 };
/** Rounds below which growth cannot be told from the beginning. */
const ROUNDS_MIN = 6;

/** Follows the memory of a server during a round. */
export class ResourceWatch implements Disposable {
  readonly #server: ServeProcess;
  readonly #memory: MemoryWatch;

  constructor(server: ServeProcess) {
    this.#server = server;
    this.#memory = new MemoryWatch(server);
  }

  /** To be called while the server still runs. */
  async result(directory: string): Promise<Resources> {
    const { peakBytes } = this.#memory.result();
    const openFiles = [this.#server.pid, ...this.#server.workerPids()].reduce((sum, pid) => sum + openFilesOf(pid), 0);
    return { memoryBytes: peakBytes, openFiles, diskBytes: await sizeOf(directory) };
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
  }
}

/** What grew from the first third of the rounds to the last, one sentence each. */
export function findGrowth(rounds: readonly Resources[]): readonly string[] {
  if (rounds.length < ROUNDS_MIN) return [];
  const third = Math.floor(rounds.length / 3);
  return (['memoryBytes', 'openFiles', 'diskBytes'] as const).flatMap((name) => {
    const first = medianOf(rounds.slice(0, third).map((round) => round[name]));
    const last = medianOf(rounds.slice(-third).map((round) => round[name]));
    return last > first * GROWTH_MAX + SLACK[name] ? [`${name} grew from ${first} to ${last}.`] : [];
  });
}

/** 0 for a process that is gone. */
function openFilesOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

async function sizeOf(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    // A blob may have been reclaimed meanwhile.
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name)).catch(() => undefined))?.size ?? 0;
  }
  return bytes;
}
