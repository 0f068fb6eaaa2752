import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SHIM = new URL('fail-calls.c', import.meta.url).pathname;

/** Calls that fail: from the one with number `from` on, of each process, `count` in all. */
export interface CallFailure {
  readonly call: 'write' | 'sync' | 'read' | 'rename' | 'close' | 'open' | 'unlink' | 'mkdir';
  /** `SHORT`: a read or a write that moves half of its bytes. */
  readonly error: 'EIO' | 'ENOSPC' | 'EMFILE' | 'SHORT';
  /** 1 unless given: the next. */
  readonly from?: number;
  /** 1 unless given. */
  readonly count?: number;
}

/** Makes calls on files below a folder fail, of processes that have its environment, while they run. */
export class FailingDisk {
  /** What such a process is started with. */
  readonly env: Readonly<Record<string, string>>;
  readonly #plan: string;

  private constructor(plan: string, env: Readonly<Record<string, string>>) {
    this.#plan = plan;
    this.env = env;
  }

  /** `home`: a folder for what this needs, not below `root`. */
  static async make(home: string, root: string): Promise<FailingDisk> {
    const shim = join(home, 'fail-calls.so');
    await promisify(execFile)('gcc', ['-O1', '-shared', '-fPIC', '-o', shim, SHIM, '-ldl', '-lpthread']);
    const plan = join(home, 'plan');
    return new FailingDisk(plan, { LD_PRELOAD: shim, FAIL_ROOT: root, FAIL_PLAN: plan });
  }

  /** From now on these calls fail, and no others. */
  async fail({ call, error, from = 1, count = 1 }: CallFailure): Promise<void> {
    await this.heal();
    // As a whole, for the processes look at any time.
    await writeFile(`${this.#plan}.new`, `${call} ${error} ${from} ${count}\n`);
    await rename(`${this.#plan}.new`, this.#plan);
  }

  /** From now on none fails; forgets those that did. */
  async heal(): Promise<void> {
    await rm(this.#plan, { force: true });
    await rm(`${this.#plan}.failed`, { force: true });
  }

  /** How many calls have failed by the plan that stands. */
  get failedCount(): number {
    const file = `${this.#plan}.failed`;
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
  }
}
