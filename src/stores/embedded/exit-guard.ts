/** What knows whether it has a write under way. */
export interface Writer {
  readonly isWriting: boolean;
}

const writers = new Set<Writer>();

/**
 * Watches over a writer until `unguard`: a process that exits while one writes ends at once, as by kill -9.
 *
 * Node's exit waits for its threads, and the thread of a commit waits for JavaScript that runs no more: the process
 * would stay for ever and keep LMDB's write lock from all others. Ended at once, it loses nothing that was
 * acknowledged, and the lock goes to the next.
 */
export function guard(writer: Writer): void {
  if (writers.size === 0) process.on('exit', endAtOnce);
  writers.add(writer);
}

export function unguard(writer: Writer): void {
  writers.delete(writer);
  if (writers.size === 0) process.off('exit', endAtOnce);
}

function endAtOnce(): void {
  for (const { isWriting } of writers) if (isWriting) process.kill(process.pid, 'SIGKILL');
}
