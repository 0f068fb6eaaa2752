import { checkWriteCondition, UNCONDITIONAL } from '../../src/domain/condition.ts';
import { NULL_VERSION_ID } from '../../src/domain/names.ts';
import type { ListedObject } from '../../src/domain/object-version.ts';
import type { Metastore } from '../../src/stores/metastore.ts';

/** How old a row of the stale listing may be, in reads of it. */
const STALE_FOR_LISTINGS = 3;
/** One in so many writes is lost by the store that loses a sync. */
const LOST_ONE_IN = 10;

/** Negative controls: each breaks one promise, and the checker of histories must see it. */
export const BROKEN_STORES: Readonly<Record<string, (store: Metastore) => Metastore>> = {
  'checks before it writes': (store) =>
    override(store, {
      async putVersion(bucketId, draft, condition, options) {
        const current = await store.getVersion({ bucketId, key: draft.key }, options);
        const result = checkWriteCondition(condition, current?.kind === 'object' ? current : undefined);
        if (result !== 'holds') return { kind: 'condition-failed', reason: result };
        return store.putVersion(bucketId, draft, UNCONDITIONAL, options);
      },
    }),

  'loses a sync': (store) => {
    let writes = 0;
    let loseLast: (() => Promise<unknown>) | undefined;
    return override(store, {
      async putVersion(bucketId, draft, condition, options) {
        await loseLast?.();
        loseLast = undefined;
        const before = await store.getVersion({ bucketId, key: draft.key }, options);
        const outcome = await store.putVersion(bucketId, draft, condition, options);
        writes += 1;
        if (writes % LOST_ONE_IN === 0 && outcome.kind === 'stored' && before?.kind === 'object') {
          const old = { ...before, slot: 'null' } as const;
          loseLast = () => store.putVersion(bucketId, old, { ifMatch: [draft.etag] }, options);
        }
        return outcome;
      },
    });
  },

  'lists what was': (store) => {
    let rows: readonly ListedObject[] = [];
    let listings = 0;
    return override(store, {
      async listObjects(range, options) {
        if (listings % STALE_FOR_LISTINGS === 0) rows = await store.listObjects(range, options);
        listings += 1;
        return rows;
      },
    });
  },

  'reads a version that was replaced': (store) => {
    const last = new Map<string, Awaited<ReturnType<Metastore['getVersion']>>>();
    return override(store, {
      async getVersion(at, options) {
        const version = await store.getVersion(at, options);
        const before = last.get(at.key);
        last.set(at.key, version);
        const isOtherLife = before?.versionId !== NULL_VERSION_ID;
        return before === undefined || isOtherLife ? version : before;
      },
    });
  },
};

/** `store` with some of its methods replaced. */
export function override(store: Metastore, methods: Partial<Metastore>): Metastore {
  const replaced = new Map<PropertyKey, unknown>(Object.entries(methods));
  return new Proxy(store, {
    get(target, name) {
      const method = replaced.get(name) ?? Reflect.get(target, name);
      return typeof method === 'function' ? method.bind(target) : method;
    },
  });
}
