import { checkAside } from './check-aside.ts';
import type { HistoryEntry, Response } from './history.ts';
import type { Verdict } from './linearizable.ts';
import { recordHistory, type Subject, type Workload } from './workload.ts';

/** Answers in doubt for each key after which a window ends: each may take effect at any later time of its window. */
const DOUBTS_PER_KEY_MAX = 4;

export interface WindowedLoad extends Omit<Workload, 'operations' | 'isOver'> {
  /** Of all windows together. */
  readonly operations: number;
  /** Of one window at most: what is held in memory. */
  readonly windowOperations: number;
  /** The subjects of the next window, whose keys nobody wrote before, such as those of a new bucket; they are disposed of after it. */
  readonly openWindow: (index: number) => Promise<readonly WindowSubject[]>;
  /** Ends the run early, when it returns true. */
  readonly isOver?: () => boolean;
}

export type WindowSubject = Subject & Partial<Disposable>;

export interface WindowedHistory {
  readonly windows: number;
  /** A listing counts once for each key. */
  readonly entries: number;
  /** Puts and deletes, and those of them that had a condition. */
  readonly writes: number;
  readonly conditional: number;
  readonly inDoubt: number;
  /** Of the first window that is not linearizable, with which the run ends. */
  readonly verdict: Verdict;
}

/**
 * Records histories one after the other, each on keys of its own, and checks each while the next is recorded: a history
 * of any length in bounded memory. Each key's history is whole within its window, what is in doubt included, and a
 * history is linearizable where those of its keys are, so that the cuts lose nothing.
 * Source: M. Herlihy and J. Wing, Linearizability, 1990, theorem 1 (locality).
 */
export async function recordWindows(load: WindowedLoad): Promise<WindowedHistory> {
  const counts = { windows: 0, entries: 0, writes: 0, conditional: 0, inDoubt: 0 };
  let verdict: Verdict = { kind: 'linearizable' };
  let checking: Promise<void> = Promise.resolve();
  let left = load.operations;
  while (left > 0 && verdict.kind === 'linearizable' && load.isOver?.() !== true) {
    const operations = Math.min(left, load.windowOperations);
    const subjects = await load.openWindow(counts.windows);
    const counted = new CountedDoubts(subjects);
    const isOver = () => load.isOver?.() === true || counted.doubts >= DOUBTS_PER_KEY_MAX * load.keys.length;
    const seed = load.seed + counts.windows;
    const recorded = await recordHistory(counted.subjects, { ...load, operations, seed, isOver });
    for (const subject of subjects) subject[Symbol.dispose]?.();
    left -= counted.operations;
    counts.windows += 1;
    for (const { request, response } of recorded) {
      counts.entries += 1;
      if (request.kind !== 'get') counts.writes += 1;
      if (request.kind !== 'get' && request.expected !== undefined) counts.conditional += 1;
      if (response.kind === 'in-doubt') counts.inDoubt += 1;
    }
    await checking;
    if (verdict.kind !== 'linearizable') break;
    checking = checkAside(recorded.filter(saysSomething)).then((found) => {
      verdict = found;
    });
    checking.catch(() => undefined);
  }
  await checking;
  return { ...counts, verdict };
}

/** A read without an answer fits any history. */
function saysSomething({ request, response }: HistoryEntry): boolean {
  return request.kind !== 'get' || response.kind !== 'in-doubt';
}

/** Subjects that count what they were asked, and the writes that were left in doubt. */
class CountedDoubts {
  operations = 0;
  doubts = 0;
  readonly subjects: readonly Subject[];

  constructor(subjects: readonly Subject[]) {
    this.subjects = subjects.map((subject) => ({
      get: (key) => this.#count(subject.get(key)),
      put: async (key, write) => {
        const answer = await this.#count(subject.put(key, write));
        this.#note(answer.response);
        return answer;
      },
      delete: async (key, expected) => {
        const response = await this.#count(subject.delete(key, expected));
        this.#note(response);
        return response;
      },
      list: () => this.#count(subject.list()),
    }));
  }

  #count<T>(answer: Promise<T>): Promise<T> {
    this.operations += 1;
    return answer;
  }

  #note(response: Response): void {
    if (response.kind === 'in-doubt') this.doubts += 1;
  }
}
