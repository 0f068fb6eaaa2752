import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { HistoryEntry } from './history.ts';
import { checkHistory, type Verdict } from './linearizable.ts';

/** `checkHistory` in a thread of its own, so that the clients that record the next history are not held up. */
export async function checkAside(entries: readonly HistoryEntry[]): Promise<Verdict> {
  const worker = new Worker(new URL(import.meta.url), { workerData: entries, execArgv: [] });
  const [verdict]: Verdict[] = await once(worker, 'message');
  if (verdict === undefined) throw new Error('The checker gave no verdict.');
  return verdict;
}

if (!isMainThread && parentPort !== null && Array.isArray(workerData)) parentPort.postMessage(checkHistory(workerData));
