import { readFile, readlink } from 'node:fs/promises';

/** Names one process for ever: process ids are used again, by the next boot and by every container. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Which boot, which container and when; `undefined` where the system does not tell. */
  readonly started: string | undefined;
}

export async function thisProcess(): Promise<ProcessIdentity> {
  return { pid: process.pid, started: await startOf(process.pid) };
}

/** Whether exactly this process still runs; one that has ended and was not waited for does not. */
export async function isRunning({ pid, started }: ProcessIdentity): Promise<boolean> {
  if (!exists(pid)) return false;
  const now = await startOf(pid);
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
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const [boot, namespace, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readlink('/proc/self/ns/pid'),
      readFile(`/proc/${pid}/stat`, 'utf8'),
    ]);
    // Fields are counted from the last parenthesis, for a process may have any name. Source: proc_pid_stat(5).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'ended' : `${boot.trim()} ${namespace} ${fields[19]}`;
  } catch {
    return undefined;
  }
}
