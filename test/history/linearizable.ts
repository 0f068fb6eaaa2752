import { ABSENT, type Expectation, type HistoryEntry, type Value } from './history.ts';

/** Most steps the search takes for one key before it gives up and says so. */
const STEPS_MAX = 5_000_000;

export type Verdict =
  | { readonly kind: 'linearizable' }
  | { readonly kind: 'violation'; readonly key: string; readonly around: readonly HistoryEntry[] }
  | { readonly kind: 'undecided'; readonly key: string };

/**
 * Whether some order of each key's operations, true to real time, explains every answer: a Wing–Gong–Lowe search
 * over one register a key, as Porcupine does it. The first key without such an order is reported, with the
 * operations around which the longest explanation ended.
 * Source: G. Lowe, Testing for linearizability, 2017; A. Athalye, Porcupine.
 */
export function checkHistory(entries: readonly HistoryEntry[]): Verdict {
  for (const [key, ofKey] of Map.groupBy(entries, (entry) => entry.key)) {
    const verdict = new KeySearch(key, ofKey).run();
    if (verdict.kind !== 'linearizable') return verdict;
  }
  return { kind: 'linearizable' };
}

/** A call or a return in the order of time; a doubly linked list from which linearized operations are lifted. */
interface Event {
  readonly operation: number;
  /** The event that ends the operation, on its call; `undefined` on a return. */
  readonly end: Event | undefined;
  previous: Event | undefined;
  next: Event | undefined;
}

class KeySearch {
  readonly #key: string;
  readonly #entries: readonly HistoryEntry[];
  readonly #head: Event;
  readonly #linearized: Linearized;
  readonly #seen = new Set<string>();
  readonly #stack: { event: Event; state: Value }[] = [];
  #longest = 0;
  #stuckAt = 0;

  constructor(key: string, entries: readonly HistoryEntry[]) {
    this.#key = key;
    this.#entries = entries.toSorted((a, b) => a.beganAt - b.beganAt);
    this.#head = linkEvents(this.#entries);
    this.#linearized = new Linearized(entries.length);
  }

  run(): Verdict {
    let state: Value = ABSENT;
    let event = this.#head.next;
    for (let steps = 0; this.#head.next !== undefined; steps += 1) {
      if (steps > STEPS_MAX) return { kind: 'undecided', key: this.#key };
      if (event?.end !== undefined) {
        const after = this.#tryLinearize(event, state);
        if (after === undefined) {
          event = event.next;
        } else {
          state = after;
          event = this.#head.next;
        }
      } else {
        const last = this.#stack.pop();
        if (last === undefined) return this.#violation();
        state = last.state;
        this.#linearized.remove(last.event.operation);
        restore(last.event);
        event = last.event.next;
      }
    }
    return { kind: 'linearizable' };
  }

  /** Puts the operation next in the order, if its answer fits `state` and that was not tried before. */
  #tryLinearize(event: Event, state: Value): Value | undefined {
    const entry = this.#entries[event.operation];
    const after = entry === undefined ? undefined : step(state, entry);
    if (after === undefined) return undefined;
    this.#linearized.add(event.operation);
    const configuration = `${this.#linearized.fingerprint()}/${after}`;
    if (this.#seen.has(configuration)) {
      this.#linearized.remove(event.operation);
      return undefined;
    }
    this.#seen.add(configuration);
    this.#stack.push({ event, state });
    lift(event);
    if (this.#stack.length > this.#longest) {
      this.#longest = this.#stack.length;
      this.#stuckAt = event.operation;
    }
    return after;
  }

  /** The operations where the longest explanation ended, and every earlier one that wrote what they speak of. */
  #violation(): Verdict {
    const first = Math.max(0, this.#stuckAt - 8);
    const window = this.#entries.slice(first, this.#stuckAt + 12);
    const values = new Set(window.flatMap(valuesOf));
    const origins = this.#entries
      .slice(0, first)
      .filter(({ request }) => request.kind === 'put' && values.has(request.value));
    return { kind: 'violation', key: this.#key, around: [...origins, ...window] };
  }
}

/** The state after `entry` took effect in `state`, or `undefined` where its answer does not fit. */
function step(state: Value, { request, response }: HistoryEntry): Value | undefined {
  if (request.kind === 'get') {
    if (response.kind === 'in-doubt') return state;
    return response.kind === 'value' && response.value === state ? state : undefined;
  }
  const written = request.kind === 'put' ? request.value : ABSENT;
  const holds = meets(state, request.expected);
  if (response.kind === 'in-doubt') return holds ? written : state;
  if (response.kind === 'refused') return holds ? undefined : state;
  return holds ? written : undefined;
}

/** The values that `entry` read, wrote or asked for. */
function valuesOf({ request, response }: HistoryEntry): Value[] {
  const values: Value[] = [];
  if (response.kind === 'value') values.push(response.value);
  if (request.kind === 'put') values.push(request.value);
  if (request.kind !== 'get' && request.expected?.kind === 'match') values.push(request.expected.value);
  return values;
}

function meets(state: Value, expected: Expectation | undefined): boolean {
  if (expected === undefined) return true;
  return expected.kind === 'absent' ? state === ABSENT : state === expected.value;
}

/** The events of `entries` (sorted by their beginnings) in order; what is in doubt may take effect at any later time. */
function linkEvents(entries: readonly HistoryEntry[]): Event {
  const timed: { at: number; isReturn: boolean; event: Event }[] = [];
  entries.forEach((entry, operation) => {
    const end: Event = { operation, end: undefined, previous: undefined, next: undefined };
    const endedAt = entry.response.kind === 'in-doubt' ? Number.POSITIVE_INFINITY : entry.endedAt;
    timed.push({ at: entry.beganAt, isReturn: false, event: { operation, end, previous: undefined, next: undefined } });
    timed.push({ at: endedAt, isReturn: true, event: end });
  });
  timed.sort((a, b) => compareTimes(a.at, b.at) || Number(a.isReturn) - Number(b.isReturn));
  const head: Event = { operation: -1, end: undefined, previous: undefined, next: undefined };
  let last = head;
  for (const { event } of timed) {
    event.previous = last;
    last.next = event;
    last = event;
  }
  return head;
}

function compareTimes(a: number, b: number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function lift(call: Event): void {
  for (const event of [call, call.end]) {
    if (event?.previous !== undefined) event.previous.next = event.next;
    if (event?.next !== undefined) event.next.previous = event.previous;
  }
}

function restore(call: Event): void {
  for (const event of [call.end, call]) {
    if (event?.previous !== undefined) event.previous.next = event;
    if (event?.next !== undefined) event.next.previous = event;
  }
}

/** A set of operation numbers that is always nearly a prefix of them all, and so has a short fingerprint. */
class Linearized {
  readonly #has: Uint8Array;
  #prefix = 0;
  #highest = -1;

  constructor(count: number) {
    this.#has = new Uint8Array(count + 1);
  }

  add(operation: number): void {
    this.#has[operation] = 1;
    while (this.#has[this.#prefix] === 1) this.#prefix += 1;
    if (operation > this.#highest) this.#highest = operation;
  }

  remove(operation: number): void {
    this.#has[operation] = 0;
    if (operation < this.#prefix) this.#prefix = operation;
    while (this.#highest >= 0 && this.#has[this.#highest] === 0) this.#highest -= 1;
  }

  fingerprint(): string {
    let text = String(this.#prefix);
    for (let operation = this.#prefix + 1; operation <= this.#highest; operation += 1) {
      if (this.#has[operation] === 1) text += `,${operation}`;
    }
    return text;
  }
}
