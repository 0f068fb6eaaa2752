import type { S3Answer, S3Call } from './s3-client.ts';

/** What clients asked and heard: requests by kind, failures by code, and the longest time in which nobody heard of a success. */
export class AnswerLog {
  readonly #callsByKind = new Map<string, number>();
  readonly #failuresByCode = new Map<string, number>();
  #lastSuccessAt = performance.now();
  #longestPauseMs = 0;

  /** The load begins, or goes on after a time in which nobody asked. */
  begin(): void {
    this.#lastSuccessAt = performance.now();
  }

  readonly note = (call: S3Call, answer: S3Answer | undefined): void => {
    count(this.#callsByKind, kindOf(call));
    if (answer === undefined || answer.status >= 500) {
      count(this.#failuresByCode, answer?.code ?? 'no answer');
      return;
    }
    this.#longestPauseMs = Math.max(this.#longestPauseMs, performance.now() - this.#lastSuccessAt);
    this.#lastSuccessAt = performance.now();
  };

  get failuresCount(): number {
    return [...this.#failuresByCode.values()].reduce((sum, each) => sum + each, 0);
  }

  /** Names and values for people. */
  describe(): readonly (readonly [string, string])[] {
    return [
      ['requests of the mixed load', list(this.#callsByKind)],
      ['failures among them', this.failuresCount === 0 ? 'none' : list(this.#failuresByCode)],
      ['longest time without a success', `${(this.#longestPauseMs / 1000).toFixed(1)} s`],
    ];
  }
}

/** Such as `PUT ?partNumber`. */
function kindOf({ method, query = [] }: S3Call): string {
  const [first] = query;
  return first === undefined ? method : `${method} ?${first[0]}`;
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** The whole, and what it is made of, the most first. */
function list(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const sum = sorted.reduce((all, [, each]) => all + each, 0);
  return `${sum}: ${sorted.map(([name, each]) => `${name} ${each}`).join(', ')}`;
}
