import { readdirSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';

/** Linux counts process times in hundredths of a second. */
const TICK_MS = 10;

/** User and system time of a process and all its descendants, in milliseconds since they began. */
export function cpuMsOfTree(pid: number): number {
  const children = new Map<number, number[]>();
  const times = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const id = Number(name);
    if (!Number.isInteger(id)) continue;
    const fields = statFields(id);
    if (fields === undefined) continue;
    const parent = Number(fields[1]);
    children.set(parent, [...(children.get(parent) ?? []), id]);
    times.set(id, (Number(fields[11]) + Number(fields[12])) * TICK_MS);
  }
  const sum = (id: number): number =>
    (times.get(id) ?? 0) + (children.get(id) ?? []).reduce((total, child) => total + sum(child), 0);
  return sum(pid);
}

/** The machine's load over the last minute. */
export function load(): string {
  return (loadavg()[0] ?? 0).toFixed(1);
}

/** The fields of /proc/pid/stat after the command's name; `undefined` where the process has gone. */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
