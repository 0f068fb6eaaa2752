import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { startServeProcess, withoutUserSettings } from '../../support/serve-process.ts';
import { type DiskEvent, readDiskEvents } from './disk-events.ts';
import type { HistoryStep } from './load-history.ts';
import { runRecordedLoad } from './recorded-load.ts';

const RECORDER = new URL('record-writes.c', import.meta.url).pathname;
const RECLAIMER = new URL('reclaim-often.ts', import.meta.url).pathname;

/** One load as the disk and as the clients saw it. */
export interface Recording {
  /** The data directory. */
  readonly root: string;
  readonly events: readonly DiskEvent[];
  readonly history: readonly HistoryStep[];
  /** Blobs that were reclaimed meanwhile. */
  readonly reclaimedCount: number;
}

/**
 * Records a server of two processes under a mixed load, from its first start on, and reclaim in a third process.
 * `home`: a folder for the data directory and the record.
 */
export async function recordLoad(
  home: string,
  load: { readonly writers: number; readonly stepsEach: number; readonly seed: number },
): Promise<Recording> {
  const root = join(home, 'data');
  const record = join(home, 'record');
  const recorder = join(home, 'record-writes.so');
  await promisify(execFile)('gcc', ['-O1', '-shared', '-fPIC', '-o', recorder, RECORDER, '-ldl', '-lpthread']);
  const env = { LD_PRELOAD: recorder, RECORD_ROOT: root, RECORD_LOG: record };
  let history: HistoryStep[];
  let reclaimedCount: number;
  {
    await using server = await startServeProcess({ directory: root, workers: 2, env });
    const reclaimer = await startReclaimer(root, env);
    try {
      history = await runRecordedLoad(server, load);
    } finally {
      reclaimedCount = await reclaimer.stop();
    }
  }
  return { root, events: await readDiskEvents(record), history, reclaimedCount };
}

/** Its `stop` resolves with how many blobs it has reclaimed. */
async function startReclaimer(
  directory: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly stop: () => Promise<number> }> {
  const reclaimer = spawn(process.execPath, [RECLAIMER, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...withoutUserSettings(process.env), ...env },
  });
  const lines = createInterface(reclaimer.stdout)[Symbol.asyncIterator]();
  await lines.next();
  return {
    async stop() {
      reclaimer.kill('SIGTERM');
      const { value } = await lines.next();
      const reclaimedCount = Number(/^reclaimed (\d+)$/.exec(value ?? '')?.[1]);
      if (Number.isNaN(reclaimedCount)) throw new Error(`Reclaim did not end as it should: ${value}`);
      return reclaimedCount;
    },
  };
}
