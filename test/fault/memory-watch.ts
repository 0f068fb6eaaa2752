import { readFileSync } from 'node:fs';
import type { ServeProcess } from '../support/serve-process.ts';

const INTERVAL_MS = 200;

/** Follows the memory of all processes of a server that is not backed by files: heap, buffers, stacks. */
export class MemoryWatch implements Disposable {
  readonly #server: ServeProcess;
  readonly #samples: number[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(server: ServeProcess) {
    this.#server = server;
    this.#timer = setInterval(() => this.#samples.push(this.bytesNow()), INTERVAL_MS);
  }

  bytesNow(): number {
    return [this.#server.pid, ...this.#server.workerPids()].reduce((sum, pid) => sum + anonymousBytesOf(pid), 0);
  }

  /** Ends the watching: the most that was seen, and the median of the third and of the last quarter of the time. */
  result(): { readonly peakBytes: number; readonly thirdQuarterBytes: number; readonly lastQuarterBytes: number } {
    this[Symbol.dispose]();
    const quarter = Math.floor(this.#samples.length / 4);
    if (quarter === 0) throw new Error(`${this.#samples.length} samples of the memory are too few.`);
    return {
      peakBytes: Math.max(...this.#samples),
      thirdQuarterBytes: medianOf(this.#samples.slice(-2 * quarter, -quarter)),
      lastQuarterBytes: medianOf(this.#samples.slice(-quarter)),
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

export function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** 0 for a process that is gone. */
function anonymousBytesOf(pid: number): number {
  try {
    const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
