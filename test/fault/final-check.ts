import type { ServeProcess } from '../support/serve-process.ts';
import { completeLeftUploads, findLosses } from './find-losses.ts';
import { blobsOf, runFsck } from './inspect-directory.ts';
import type { Buckets, LoadClient } from './load-client.ts';
import { waitUntil } from './wait-until.ts';

/** How a server is started whose leftovers are to be gone soon: the graces are as short as they may be. */
export const SHORT_GRACES = { PITHOS_OPTIONS_INTENT_GRACE: '20s', PITHOS_OPTIONS_RECLAIM_GRACE: '10s' };
/** Both graces and two runs of the job, and time to spare, in milliseconds. */
const RECLAIM_MS_MAX = 90_000;

export interface Loaded {
  readonly server: ServeProcess;
  /** Its data directory. */
  readonly directory: string;
  readonly buckets: Buckets;
  /** None of them runs any more. */
  readonly clients: readonly LoadClient[];
}

/**
 * What of a load and its crashes is not as it must be, one sentence each: everything acknowledged is there, whole and
 * listed; uploads that were left can be completed; what crashes left behind is reclaimed; fsck finds nothing. Ends with
 * the first of these that does not hold.
 */
export async function findProblems({ server, directory, buckets, clients }: Loaded): Promise<readonly string[]> {
  const early = [...(await findLosses(server, buckets, clients)), ...(await fsckProblems(directory))];
  if (early.length > 0) return early;
  for (const client of clients) await completeLeftUploads(server, buckets, client);
  const isClean = async (): Promise<boolean> => {
    const { stored, referenced } = await blobsOf(directory);
    return stored.size === referenced.size && [...stored].every((id) => referenced.has(id));
  };
  await waitUntil('all that crashes left is reclaimed', isClean, { timeoutMs: RECLAIM_MS_MAX });
  return [...(await findLosses(server, buckets, clients)), ...(await fsckProblems(directory))];
}

/** What `pithos fsck --deep` says unless the directory is clean. */
export async function fsckProblems(directory: string): Promise<readonly string[]> {
  const { exitCode, output } = await runFsck(directory);
  return exitCode === 0 && output.startsWith('clean') ? [] : [`fsck of ${directory} ended with ${exitCode}: ${output}`];
}
