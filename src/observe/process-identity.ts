import { readFileSync, readlinkSync } from 'node:fs';

/** Names one process for ever: process ids are used again, by the next boot and by every container. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Which boot, which container and when; `undefined` where the system does not tell. */
  readonly started: string | undefined;
}

export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, started: startOf(process.pid) };
}

/** The identity in a JSON text of one; `undefined` for any other text. */
export function parseIdentity(text: string): ProcessIdentity | undefined {
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found !== 'object' || found === null || !('pid' in found) || typeof found.pid !== 'number')
      return undefined;
    return {
      pid: found.pid,
      started: 'started' in found && typeof found.started === 'string' ? found.started : undefined,
    };
  } catch {
    return undefined;
  }
}

/** Whether exactly this process still runs; one that has ended and was not waited for does not. */
export function isRunning({ pid, started }: ProcessIdentity): boolean {
  if (!exists(pid)) return false;
  const now = startOf(pid);
  return started === undefined || now === undefined || now === started;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EPERM';
  }
}

/** Boot id, namespace of process ids, and clock ticks from boot to the start of process `pid`, where there is /proc. */
function startOf(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const namespace = readlinkSync('/proc/self/ns/pid');
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Fields are counted from the last parenthesis, for a process may have any name. Source: proc_pid_stat(5).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A process that was killed may have a thread that still ends a write.
    return fields[0] === 'Z' && Number(fields[17]) <= 1 ? 'ended' : `${boot} ${namespace} ${fields[19]}`;
  } catch {
    return undefined;
  }
}
