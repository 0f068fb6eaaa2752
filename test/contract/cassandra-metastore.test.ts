import { describe, expect, test } from 'vitest';
import { parseObjectKey } from '../../src/domain/names.ts';
import type { TransactionOutcome } from '../../src/stores/cassandra/cells.ts';
import { CassandraMetastore } from '../../src/stores/cassandra/metastore.ts';
import { OBJECT } from '../../src/stores/cassandra/tables.ts';
import type { Metastore } from '../../src/stores/metastore.ts';
import { CalmCells } from '../model/calm-cells.ts';
import { inlineDraft, must, newBucketId, OPTIONS } from './drafts.ts';
import { metastoreContract } from './metastore.ts';
import { metastoreModel } from './model.ts';
import { reclaimContract } from './reclaim.ts';
import type { Opened, Subject } from './subject.ts';
import { uploadsContract } from './uploads.ts';

const MODEL_RUNS = 50;
const BUCKET = newBucketId();

/** The protocols of the engine over cells in memory: what they do when nothing goes wrong. */
const subject: Subject<Metastore> = {
  engine: 'cassandra, over cells in memory',
  isShared: true,
  isDurable: true,
  async open(nowMs): Promise<Opened<Metastore>> {
    const cells = new CalmCells({ nowMs });
    const handles: CassandraMetastore[] = [];
    const openAnother = async (): Promise<Metastore> => {
      const handle = new CassandraMetastore({ cells, store: 'us-east-1', description: 'in memory', nowMs });
      handles.push(handle);
      return handle;
    };
    const closeAll = async (): Promise<void> => {
      for (const handle of handles.splice(0)) await handle[Symbol.asyncDispose]();
    };
    return {
      store: await openAnother(),
      openAnother,
      reopen: async () => {
        await closeAll();
        return await openAnother();
      },
      [Symbol.asyncDispose]: closeAll,
    };
  },
};

metastoreContract(subject);
describe('A put that was applied, and whose answer came after many others', () => {
  test('is in doubt, and is not made a second time over them', async () => {
    const { cells, store } = openSlow();
    cells.answersAfter = () => overwrite(cells, 'key', 20);
    await expect(store.putVersion(BUCKET, inlineDraft('key', 'slow'), {}, OPTIONS)).rejects.toThrow(
      expect.objectContaining({ kind: 'in-doubt' }),
    );
    expect(await etagOf(store, 'key')).toBe(inlineDraft('key', 'other 19').etag);
  });

  test('is stored where the key still names it, or has its version', async () => {
    const { cells, store } = openSlow();
    cells.answersAfter = () => overwrite(cells, 'key', 10);
    expect(await store.putVersion(BUCKET, inlineDraft('key', 'slow'), {}, OPTIONS)).toMatchObject({ kind: 'stored' });
    expect(await etagOf(store, 'key')).toBe(inlineDraft('key', 'other 9').etag);

    cells.answersAfter = () => overwrite(cells, 'versions', 20);
    const put = store.putVersion(BUCKET, inlineDraft('versions', 'slow', { slot: 'new' }), {}, OPTIONS);
    expect(await put).toMatchObject({ kind: 'stored' });
    expect(await etagOf(store, 'versions')).toBe(inlineDraft('versions', 'other 19').etag);
  });
});

/** Cells that answer one transaction late: `overtaken`, for others came meanwhile. */
class SlowCells extends CalmCells {
  answersAfter: (() => Promise<void>) | undefined;

  override async transact(...call: Parameters<CalmCells['transact']>): Promise<TransactionOutcome> {
    const { answersAfter } = this;
    if (call[0] !== OBJECT || answersAfter === undefined) return await super.transact(...call);
    this.answersAfter = undefined;
    const outcome = await super.transact(...call);
    await answersAfter();
    return outcome === 'applied' ? 'overtaken' : outcome;
  }
}

function openSlow(): { cells: SlowCells; store: CassandraMetastore } {
  const cells = new SlowCells({ nowMs: Date.now });
  return { cells, store: openOn(cells) };
}

function openOn(cells: CalmCells): CassandraMetastore {
  return new CassandraMetastore({ cells, store: 'us-east-1', description: 'in memory', nowMs: Date.now });
}

/** As another gateway does. */
async function overwrite(cells: CalmCells, key: string, times: number): Promise<void> {
  const other = openOn(cells);
  for (let count = 0; count < times; count++) {
    await other.putVersion(BUCKET, inlineDraft(key, `other ${count}`), {}, OPTIONS);
  }
}

async function etagOf(store: Metastore, key: string): Promise<string> {
  const found = await store.getVersion({ bucketId: BUCKET, key: must(parseObjectKey(key)) }, OPTIONS);
  return found?.kind === 'object' ? found.etag : '';
}

uploadsContract(subject);
reclaimContract(subject);
metastoreModel(subject, { runs: MODEL_RUNS });
