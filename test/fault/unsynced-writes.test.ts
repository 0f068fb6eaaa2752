import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomNumbers } from '../history/workload.ts';
import { SERVE_KEYS, startServeProcess, withoutUserSettings } from '../support/serve-process.ts';
import { type Content, contentsAt, type Write, writeMixedLoad } from './acknowledged-writes.ts';
import { type DiskEvent, readDiskEvents, type SyncClass, SyncedDisk } from './power-cut.ts';

const SEED = Number(process.env['PITHOS_TEST_SEED'] ?? Math.floor(Math.random() * 1e9));
const BUCKETS = ['plain', 'versioned'];
const CUTS = 40;
const SYNCS: readonly SyncClass[] = ['file data', 'directory', 'metadata pages', 'metadata commit'];
const RECORDER = new URL('record-writes.c', import.meta.url).pathname;
const READER = new URL('read-store.ts', import.meta.url).pathname;

let home: string;
let data: string;
let events: DiskEvent[];
let writes: Write[];

beforeAll(async () => {
  console.log(`PITHOS_TEST_SEED=${SEED}`);
  home = await mkdtemp(join(tmpdir(), 'pithos-power-cut-'));
  data = join(home, 'data');
  const recorder = join(home, 'record-writes.so');
  await promisify(execFile)('gcc', ['-O1', '-shared', '-fPIC', '-o', recorder, RECORDER, '-ldl', '-lpthread']);
  const record = join(home, 'record');
  {
    await using server = await startServeProcess({
      directory: data,
      env: { LD_PRELOAD: recorder, RECORD_ROOT: data, RECORD_LOG: record },
    });
    using client = clientOf(server.endpoint);
    for (const Bucket of BUCKETS) await client.send(new CreateBucketCommand({ Bucket }));
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket: 'versioned', VersioningConfiguration }));
    writes = await writeMixedLoad(client, { buckets: BUCKETS, writers: 8, writesEach: 60, seed: SEED });
  }
  events = await readDiskEvents(record);
}, 120_000);

afterAll(() => rm(home, { recursive: true, force: true }));

describe('A power cut that takes back every write not yet synced', () => {
  test('leaves all that was acknowledged, at any moment of a mixed load', { timeout: 240_000 }, async () => {
    expect(writes.length).toBeGreaterThan(300);
    expect(await lossesAfterCuts(undefined)).toEqual([]);
  });

  test.each(SYNCS)('is noticed by this test when the server makes no %s syncs', { timeout: 240_000 }, async (sync) => {
    expect(await lossesAfterCuts(sync)).not.toEqual([]);
  });
});

/** What was lost at each of many cuts; with a kind of sync left out, up to the first loss. */
async function lossesAfterCuts(leftOut: SyncClass | undefined): Promise<string[]> {
  const losses: string[] = [];
  const disk = new SyncedDisk(data, leftOut);
  let applied = 0;
  for (const moment of cutMoments()) {
    for (; applied < events.length; applied += 1) {
      const event = events[applied];
      if (event === undefined || event.endedAt > moment) break;
      disk.apply(event);
    }
    const folder = join(home, 'after-the-cut');
    await disk.writeTo(folder);
    losses.push(...(await lossesIn(folder, moment)));
    await rm(folder, { recursive: true });
    if (leftOut !== undefined && losses.length > 0) break;
  }
  return losses;
}

/** Random moments from the first write to the end, and the end. */
function cutMoments(): bigint[] {
  const began = writes[0]?.beganAt ?? 0n;
  const ended = writes.reduce((last, { acknowledgedAt = 0n }) => (acknowledgedAt > last ? acknowledgedAt : last), 0n);
  const random = randomNumbers(SEED);
  const moments = Array.from({ length: CUTS }, () => began + BigInt(Math.floor(random() * Number(ended - began))));
  return [...moments, ended].sort((a, b) => Number(a - b));
}

async function lossesIn(directory: string, moment: bigint): Promise<string[]> {
  const expected = contentsAt(writes, moment);
  try {
    const reader = promisify(execFile)(process.execPath, [READER, directory], {
      env: withoutUserSettings(process.env),
    });
    reader.child.stdin?.end(JSON.stringify([...expected.keys()]));
    const found: { contents: Record<string, Content>; problems: string } = JSON.parse((await reader).stdout);
    if (found.problems !== '') return [`fsck finds at ${moment}: ${found.problems}`];
    return [...expected].flatMap(([name, contents]) => {
      const content = found.contents[name] ?? 'no answer';
      return contents.includes(content)
        ? []
        : [`${name} holds ${content}, not ${contents.join(' or ')}, at ${moment}.`];
    });
  } catch (error) {
    return [`The store could not be opened and read at ${moment}: ${String(error)}`];
  }
}

function clientOf(endpoint: string): S3Client & Disposable {
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: SERVE_KEYS,
    maxAttempts: 1,
  });
  return Object.assign(client, { [Symbol.dispose]: () => client.destroy() });
}
