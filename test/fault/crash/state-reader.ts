import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { withoutUserSettings } from '../../support/serve-process.ts';
import type { StateQuestion } from './read-state.ts';

const READER = new URL('read-state.ts', import.meta.url).pathname;
/** A state that takes longer hangs, in milliseconds. */
const ANSWER_MS_MAX = 60_000;

/** Reads states in a process of its own, which is started again when a state has brought it down. */
export class StateReader implements AsyncDisposable {
  #child: ChildProcess | undefined;

  /** What is wrong with a state: one sentence each. Changes the folder. */
  async findProblems(question: StateQuestion): Promise<readonly string[]> {
    this.#child ??= fork(READER, {
      env: withoutUserSettings(process.env),
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const child = this.#child;
    let said = '';
    const onOutput = (text: Buffer): void => {
      said = (said + text.toString()).slice(-2_000);
    };
    child.stderr?.on('data', onOutput);
    const over = new AbortController();
    const { signal } = over;
    try {
      const answer = once(child, 'message', { signal }).then(([problems]) => problems);
      const end = once(child, 'exit', { signal }).then(([code, by]) => {
        this.#child = undefined;
        return [`The process that read the store ended with ${by ?? code}: ${said}`];
      });
      const timer = setTimeout(() => child.kill('SIGKILL'), ANSWER_MS_MAX);
      signal.addEventListener('abort', () => clearTimeout(timer));
      child.send(question);
      return await Promise.race([answer, end]);
    } finally {
      child.stderr?.off('data', onOutput);
      over.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.disconnect();
    await ended;
  }
}
