import { Dice } from './dice.ts';
import type { FuzzSession, FuzzTarget } from './fuzz-target.ts';

/** Longest that one case may keep the processor, in milliseconds, of whatever this process does. */
const CASE_CPU_MS_MAX = 1_000;
const SHRINKS_MAX = 2_000;

export interface FuzzBounds {
  readonly seed: number;
  /** The case to begin with; 0 unless given. */
  readonly firstCase?: number;
  readonly casesMax?: number;
  /** How long to go on. */
  readonly durationMs?: number;
  /** Inputs tried to make a failing one smaller; 2,000 unless given. */
  readonly shrinksMax?: number;
  /** Told of each case before it runs. */
  readonly onCase?: (caseNumber: number) => void;
}

export interface FuzzFailure {
  readonly seed: number;
  readonly caseNumber: number;
  /** The smallest input found that fails; empty where the cases together left something behind. */
  readonly input: string;
  readonly error: unknown;
}

export interface FuzzReport {
  readonly target: string;
  readonly cases: number;
  readonly durationMs: number;
  readonly failure: FuzzFailure | undefined;
}

/** Runs `target` until a case fails or a bound is reached, and makes the failing input smaller. */
export async function runTarget(target: FuzzTarget, bounds: FuzzBounds): Promise<FuzzReport> {
  await using session = await target.begin?.();
  const { seed, firstCase = 0, casesMax = Number.POSITIVE_INFINITY, durationMs = Number.POSITIVE_INFINITY } = bounds;
  const beganAt = performance.now();
  const elapsedMs = () => performance.now() - beganAt;
  let cases = 0;
  for (; cases < casesMax && elapsedMs() < durationMs; cases++) {
    const caseNumber = firstCase + cases;
    bounds.onCase?.(caseNumber);
    const input = target.make(new Dice(seed, caseNumber));
    const error = await errorOf(target, input);
    if (error === undefined) continue;
    const smallest = await shrink(target, input, bounds.shrinksMax ?? SHRINKS_MAX);
    const failure = { seed, caseNumber, input: smallest, error: (await errorOf(target, smallest)) ?? error };
    return { target: target.name, cases: cases + 1, durationMs: elapsedMs(), failure };
  }
  const error = await leftBehind(session);
  const failure = error === undefined ? undefined : { seed, caseNumber: firstCase + cases - 1, input: '', error };
  return { target: target.name, cases, durationMs: elapsedMs(), failure };
}

/** What is wrong with what the run as a whole left; `undefined` where nothing is. */
async function leftBehind(session: FuzzSession | undefined): Promise<unknown> {
  try {
    await session?.finish();
  } catch (error) {
    return error ?? new Error('Nothing was thrown, as a value.');
  }
  return undefined;
}

/** What is wrong with the case; `undefined` where nothing is. */
async function errorOf(target: FuzzTarget, input: string): Promise<unknown> {
  const before = process.cpuUsage();
  try {
    await target.check(input);
  } catch (error) {
    return error ?? new Error('Nothing was thrown, as a value.');
  }
  const { user, system } = process.cpuUsage(before);
  const cpuMs = (user + system) / 1000;
  return cpuMs > CASE_CPU_MS_MAX ? new Error(`The case took ${Math.round(cpuMs)} ms of the processor.`) : undefined;
}

/** Leaves out pieces of the input, larger ones first, as long as it still fails. */
async function shrink(target: FuzzTarget, input: string, triesMax: number): Promise<string> {
  let smallest = input;
  let tries = 0;
  for (let piece = Math.ceil(input.length / 2); piece >= 1; piece = piece === 1 ? 0 : Math.ceil(piece / 2)) {
    for (let at = 0; at < smallest.length && tries < triesMax; ) {
      const shorter = smallest.slice(0, at) + smallest.slice(at + piece);
      tries++;
      if ((await errorOf(target, shorter)) === undefined) at += piece;
      else smallest = shorter;
    }
  }
  return smallest;
}
