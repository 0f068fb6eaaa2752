import { readdirSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';

/** Linux counts process times in hundredths of a second. */
const TICK_MS = 10;
/** Among the fields after the command's name: the parent, then user and system time of the process and of its dead. */
const PARENT_INDEX = 1;
const TIME_INDEXES = [11, 12, 13, 14] as const;

/** Whether the times and the tree of another process can be read here. */
export const CAN_READ_PROCESSES = process.platform === 'linux';

/**
 * User and system time of a process and all its descendants, those included that have ended and were waited for, in
 * milliseconds since they began, to 10 ms. 0 once the process has gone.
 */
export function cpuMsOfTree(pid: number): number {
  const processes = new Map(allProcesses());
  const timeOf = (id: number) => TIME_INDEXES.reduce((sum, index) => sum + Number(processes.get(id)?.[index] ?? 0), 0);
  return treeOf(pid, processes).reduce((sum, id) => sum + timeOf(id), 0) * TICK_MS;
}

/** A process and all its descendants, as they are now. */
export function pidsOfTree(pid: number): readonly number[] {
  return treeOf(pid, new Map(allProcesses()));
}

/** The machine's load over the last minute. */
export function load(): string {
  return (loadavg()[0] ?? 0).toFixed(1);
}

function treeOf(pid: number, processes: ReadonlyMap<number, readonly string[]>): number[] {
  const children = [...processes].filter(([, fields]) => Number(fields[PARENT_INDEX]) === pid).map(([id]) => id);
  return [pid, ...children.flatMap((child) => treeOf(child, processes))];
}

function* allProcesses(): Generator<readonly [pid: number, fields: readonly string[]]> {
  for (const name of readdirSync('/proc')) {
    const id = Number(name);
    const fields = Number.isInteger(id) ? statFields(id) : undefined;
    if (fields !== undefined) yield [id, fields];
  }
}

/** The fields of /proc/pid/stat after the command's name; `undefined` where the process has gone. */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
