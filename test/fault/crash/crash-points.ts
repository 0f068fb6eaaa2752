import type { DiskEvent } from './disk-events.ts';
import { SimulatedDisk, type SimulatedDiskOptions } from './simulated-disk.ts';
import { WAYS, type Way } from './survivors.ts';

/** One crash: after so many of the recorded calls, with what that way leaves of what was not synced. */
export interface CrashPoint {
  readonly eventsCount: number;
  readonly way: Way;
}

const [KEPT, DROPPED, ANY_ORDER, ...OTHER_WAYS] = WAYS;
/** At every prefix, beside all and nothing: any order, and one of the other ways in turn. */
const REORDERINGS_MIN = 2;

/**
 * At most so many crash points, in the order of the calls. Where there are fewer points than calls call for, prefixes
 * are left out evenly; where there are more, each prefix gets more reorderings. A prefix after which nothing waits for
 * a sync has one state alone.
 */
export function planCrashPoints(
  events: readonly DiskEvent[],
  pointsMax: number,
  options: Pick<SimulatedDiskOptions, 'root' | 'leftOut'>,
): readonly CrashPoint[] {
  const disk = new SimulatedDisk({ ...options, shared: '' });
  const isOpen = events.map((event) => {
    disk.apply(event);
    return disk.hasPending;
  });
  const openCount = isOpen.filter(Boolean).length;
  const settledCount = isOpen.length - openCount;
  const step = Math.max(1, (settledCount + openCount * (2 + REORDERINGS_MIN)) / pointsMax);
  const reorderings = Math.max(REORDERINGS_MIN, Math.ceil((pointsMax - settledCount) / openCount) - 2);
  const points: CrashPoint[] = [];
  for (let at = 0, turn = 0; at < events.length; at += step, turn++) {
    const index = Math.floor(at);
    const ways = isOpen[index] ? waysOf(reorderings, turn) : [KEPT];
    for (const way of ways) points.push({ eventsCount: index + 1, way });
  }
  return points.slice(0, pointsMax);
}

function waysOf(reorderings: number, turn: number): readonly Way[] {
  const ways: Way[] = [KEPT, DROPPED];
  for (let count = 0; count < reorderings; count++) {
    const other = OTHER_WAYS[(turn + (count >> 1)) % OTHER_WAYS.length] ?? ANY_ORDER;
    ways.push(count % 2 === 0 ? ANY_ORDER : other);
  }
  return ways;
}
