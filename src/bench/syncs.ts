import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pidsOfTree } from './process-times.ts';

const SYNC_CALLS = ['fsync', 'fdatasync', 'sync_file_range', 'syncfs', 'sync', 'msync'];
const WRITE_CALLS = ['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2'];
const OPEN_CALLS = ['open', 'openat', 'openat2', 'creat'];
/** O_DSYNC, which O_SYNC has too, as the kernel shows the flags of an open file. */
const O_DSYNC = 0o10000;
/** How long strace may take to attach, in milliseconds, and how often it is looked for. */
const ATTACH_MS_MAX = 10_000;
const POLL_MS = 50;
/** A line of the trace: who called, and what, with the first arguments. Results on a line of their own do not match. */
const CALL = /^(?<tid>\d+) +(?<call>\w+)\((?<rest>.*)$/;

/** Why syncs cannot be counted, in a sentence. */
export class SyncsUnknown extends Error {
  override readonly name = 'SyncsUnknown';
}

/**
 * Runs `step` and counts meanwhile how often a process and its descendants ask for bytes to be put on stable storage:
 * calls that sync, writes to files that were opened with O_DSYNC or O_SYNC before, and opens of such files. What goes
 * through io_uring is not seen.
 *
 * Linux with strace, and the right to trace the process. Throws `SyncsUnknown` otherwise.
 */
export async function countSyncs(
  pid: number,
  step: () => Promise<void>,
  { signal }: { readonly signal: AbortSignal },
): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'pithos-bench-syncs-'));
  try {
    const pids = pidsOfTree(pid);
    const syncedFiles = new Set((await Promise.all(pids.map(syncedFilesOf))).flat());
    const file = join(directory, 'trace');
    const strace = await attach(pids, { file, signal });
    try {
      await step();
    } finally {
      await detach(strace);
    }
    const trace = await readFile(file, 'latin1');
    const processOf = await threadOwners(pids);
    return trace.split('\n').filter((line) => isSync(line, { syncedFiles, processOf })).length;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Known {
  /** `pid/descriptor`, of files that were opened with O_DSYNC. */
  readonly syncedFiles: ReadonlySet<string>;
  /** The process of a thread. */
  readonly processOf: ReadonlyMap<number, number>;
}

/** Whether a line of a trace is a call that waits for stable storage. */
export function isSync(line: string, { syncedFiles, processOf }: Known): boolean {
  const { tid, call = '', rest = '' } = CALL.exec(line)?.groups ?? {};
  if (tid === undefined) return false;
  if (SYNC_CALLS.includes(call)) return !(call === 'msync' && rest.includes('MS_ASYNC'));
  if (OPEN_CALLS.includes(call)) return /\bO_D?SYNC\b/.test(rest);
  if (!WRITE_CALLS.includes(call)) return false;
  return syncedFiles.has(`${processOf.get(Number(tid)) ?? tid}/${Number.parseInt(rest, 10)}`);
}

async function attach(
  pids: readonly number[],
  { file, signal }: { readonly file: string; readonly signal: AbortSignal },
): Promise<ChildProcess> {
  const calls = [...SYNC_CALLS, ...WRITE_CALLS, ...OPEN_CALLS].map((call) => `?${call}`).join(',');
  const processes = pids.flatMap((pid) => ['-p', `${pid}`]);
  const strace = spawn('strace', ['-f', '-s', '0', '-e', `trace=${calls}`, '-o', file, ...processes], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  let failure: Error | undefined;
  strace.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(0, 2_000);
  });
  strace.on('error', (error) => {
    failure = error;
  });
  try {
    for (let waitedMs = 0; waitedMs < ATTACH_MS_MAX; waitedMs += POLL_MS) {
      if (failure !== undefined) throw new SyncsUnknown('strace is not there', { cause: failure });
      if (strace.exitCode !== null) break;
      if (pids.every((pid) => said.includes(`Process ${pid} attached`))) return strace;
      await delay(POLL_MS, undefined, { signal });
    }
    throw new SyncsUnknown(`strace could not attach: ${said.trim()}`);
  } catch (error) {
    if (failure === undefined) await detach(strace);
    throw error;
  }
}

async function detach(strace: ChildProcess): Promise<void> {
  if (strace.exitCode !== null || strace.signalCode !== null) return;
  const ended = once(strace, 'exit');
  strace.kill('SIGINT');
  await ended;
}

/** The open files of a process whose writes are synced. */
async function syncedFilesOf(pid: number): Promise<string[]> {
  const found: string[] = [];
  for (const descriptor of await readdirOrNone(`/proc/${pid}/fdinfo`)) {
    const text = await readOrNone(`/proc/${pid}/fdinfo/${descriptor}`);
    const flags = Number.parseInt(/^flags:\s+(\d+)/m.exec(text)?.[1] ?? '0', 8);
    if ((flags & O_DSYNC) !== 0) found.push(`${pid}/${descriptor}`);
  }
  return found;
}

async function threadOwners(pids: readonly number[]): Promise<ReadonlyMap<number, number>> {
  const rows = await Promise.all(
    pids.map(async (pid) => (await readdirOrNone(`/proc/${pid}/task`)).map((tid) => [Number(tid), pid] as const)),
  );
  return new Map(rows.flat());
}

/** Processes and files may go at any time. */
async function readdirOrNone(directory: string): Promise<string[]> {
  return await readdir(directory).catch(() => []);
}

async function readOrNone(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch(() => '');
}
