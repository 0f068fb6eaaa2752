import { UNCONDITIONAL } from '../../src/domain/condition.ts';
import type { Metastore } from '../../src/stores/metastore.ts';
import { override } from '../history/broken-stores.ts';

/** Negative controls: each breaks one thing that clients of S3 rely on, and the model must find it. */
export const BROKEN_METASTORES: Readonly<Record<string, (store: Metastore) => Metastore>> = {
  'leaves the last row of a full page out': (store) =>
    override(store, {
      async listObjects(range, options) {
        const rows = await store.listObjects(range, options);
        return rows.length === range.limit ? rows.slice(0, -1) : rows;
      },
    }),

  'skips the key that follows a common prefix': (store) =>
    override(store, {
      async listObjects(range, options) {
        if (range.from?.kind !== 'after-prefix') return await store.listObjects(range, options);
        const rows = await store.listObjects({ ...range, limit: range.limit + 1 }, options);
        return rows.slice(1);
      },
    }),

  'replaces the delete marker that is there': (store) =>
    override(store, {
      deleteCurrent: (bucketId, draft, condition, options) =>
        store.deleteCurrent(
          bucketId,
          draft.mode === 'new-marker' ? { ...draft, mode: 'null-marker' } : draft,
          condition,
          options,
        ),
    }),

  'keeps the null version beside a new one': (store) =>
    override(store, {
      putVersion: (bucketId, draft, condition, options) =>
        store.putVersion(bucketId, { ...draft, slot: 'new' }, condition, options),
    }),

  'writes whatever the condition': (store) =>
    override(store, {
      putVersion: (bucketId, draft, _, options) => store.putVersion(bucketId, draft, UNCONDITIONAL, options),
    }),

  'forgets what attributes are changed to': (store) => override(store, { updateAttributes: async () => 'updated' }),

  'keeps an upload that is aborted': (store) => override(store, { abortUpload: async () => 'aborted' }),

  'closes a bucket that holds versions': (store) => override(store, { closeBucket: async () => 'closed' }),
};
