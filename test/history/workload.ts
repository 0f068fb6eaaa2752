import { ABSENT, type Expectation, type HistoryEntry, type Request, type Response, type Value } from './history.ts';

/** What histories are recorded of: a server or a store. Answers that leave the outcome open are `in-doubt`. */
export interface Subject {
  get(key: string): Promise<Response>;
  /** Stores bytes made from `seed`, which no other put uses, and answers with the value they have. */
  put(
    key: string,
    write: { seed: string; expected: Expectation | undefined },
  ): Promise<{ value: Value; response: Response }>;
  delete(key: string, expected: Expectation | undefined): Promise<Response>;
  /** The value of every key there is; `undefined` where the listing failed. */
  list(): Promise<ReadonlyMap<string, Value> | undefined>;
}

export interface Workload {
  readonly clients: number;
  /** Few keys make much contention: each client uses all of them. */
  readonly keys: readonly string[];
  readonly operations: number;
  readonly seed: number;
  /** Stops early, when it returns true for the number of entries so far. */
  readonly isOver?: (recorded: number) => boolean;
  /** Awaited before each operation, so that a load can rest. */
  readonly turn?: () => Promise<void>;
}

/** Shares of operations in percent; a third or so are conditional. */
const SHARES = { get: 30, put: 20, putIfAbsent: 12, putIfMatch: 18, delete: 10, deleteIfMatch: 5, list: 5 };

/**
 * Runs a mixed load of concurrent clients on `subjects` (one for each server, taken in turn) and records it. Every
 * client remembers what it last saw of a key, so that its conditions have a chance to hold.
 */
export async function recordHistory(subjects: readonly Subject[], workload: Workload): Promise<HistoryEntry[]> {
  const entries: HistoryEntry[] = [];
  let left = workload.operations;
  const run = async (client: number): Promise<void> => {
    const subject = subjects[client % subjects.length];
    if (subject === undefined) return;
    const random = randomNumbers(workload.seed * 7919 + client);
    const seen = new Map<string, Value>();
    while (left > 0 && workload.isOver?.(entries.length) !== true) {
      left -= 1;
      await workload.turn?.();
      await takeStep({ client, subject, random, seen, entries, keys: workload.keys, stamp: left });
    }
  };
  await Promise.all(Array.from({ length: workload.clients }, (_, client) => run(client)));
  return entries;
}

interface Step {
  readonly client: number;
  readonly subject: Subject;
  readonly random: () => number;
  readonly seen: Map<string, Value>;
  readonly entries: HistoryEntry[];
  readonly keys: readonly string[];
  readonly stamp: number;
}

async function takeStep(step: Step): Promise<void> {
  const { client, subject, random, seen, entries, keys } = step;
  const key = keys[Math.floor(random() * keys.length)] ?? '';
  const kind = pickKind(random() * 100);
  const known = seen.get(key) ?? ABSENT;
  const expected = expectationOf(kind, known);
  const beganAt = performance.now();
  if (kind === 'list') {
    const listing = await subject.list();
    const endedAt = performance.now();
    if (listing === undefined) return;
    for (const listed of keys) {
      const value = listing.get(listed) ?? ABSENT;
      seen.set(listed, value);
      entries.push({
        client,
        key: listed,
        request: { kind: 'get' },
        response: { kind: 'value', value },
        beganAt,
        endedAt,
      });
    }
    return;
  }
  const { request, response } = await ask(subject, { kind, key, expected, seed: `${client}/${step.stamp}` });
  entries.push({ client, key, request, response, beganAt, endedAt: performance.now() });
  if (response.kind === 'value') seen.set(key, response.value);
  else if (response.kind === 'done') seen.set(key, request.kind === 'put' ? request.value : ABSENT);
}

async function ask(
  subject: Subject,
  step: { kind: Kind; key: string; expected: Expectation | undefined; seed: string },
): Promise<{ request: Request; response: Response }> {
  const { kind, key, expected, seed } = step;
  const condition = expected === undefined ? {} : { expected };
  if (kind === 'get') return { request: { kind: 'get' }, response: await subject.get(key) };
  if (kind === 'delete' || kind === 'deleteIfMatch') {
    return { request: { kind: 'delete', ...condition }, response: await subject.delete(key, expected) };
  }
  const { value, response } = await subject.put(key, { seed, expected });
  return { request: { kind: 'put', value, ...condition }, response };
}

type Kind = keyof typeof SHARES;

function pickKind(percent: number): Kind {
  let upTo = 0;
  for (const [kind, share] of Object.entries(SHARES)) {
    upTo += share;
    if (percent < upTo && isKind(kind)) return kind;
  }
  return 'get';
}

function isKind(text: string): text is Kind {
  return text in SHARES;
}

function expectationOf(kind: Kind, known: Value): Expectation | undefined {
  if (kind === 'putIfAbsent') return { kind: 'absent' };
  if (kind !== 'putIfMatch' && kind !== 'deleteIfMatch') return undefined;
  return known === ABSENT ? { kind: 'match', value: '0'.repeat(32) } : { kind: 'match', value: known };
}

/** A small generator of numbers in [0, 1) that gives the same ones for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
