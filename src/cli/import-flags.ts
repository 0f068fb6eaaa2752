import type { Config } from '../config/config.ts';
import { CommandError } from './exit-code.ts';

/** From one line of progress to the next, in milliseconds. */
export const PROGRESS_AFTER_MS = 2_000;
/** Objects that are read at one time, unless given. */
export const PARALLEL = 8;
const PARALLEL_MAX = 64;

export function parseParallel(text: string): number {
  return parseCount('--parallel', text, PARALLEL_MAX);
}

/** The number from `min` to `max` in the value of `flag`. Throws `CommandError`. */
export function parseCount(flag: string, text: string, max: number, min = 1): number {
  const count = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isInteger(count) && count >= min && count <= max) return count;
  throw new CommandError(`${flag} is a number from ${min} to ${max}, not ${text}.`);
}

/** Throws `CommandError` where what is brought in would be gone at once. */
export function requireLasting({ bucketstore }: Config): void {
  if (bucketstore.store.use !== 'memory') return;
  throw new CommandError('Stores in memory are seen by their server alone: nothing can be brought into them.');
}
