import { describe, expect, test } from 'vitest';
import { Readiness } from './readiness.ts';
import type { CallOptions, Store } from './stores/store.ts';

/** A store of which only `checkWritable` is asked. */
function storeThat(checkWritable: (options: CallOptions) => Promise<void>): Store {
  return { description: '', checkWritable, [Symbol.asyncDispose]: async () => undefined };
}

const NEVER = { closing: new AbortController().signal };

describe('a server', () => {
  test('is ready while every store can write', async () => {
    const good = storeThat(async () => undefined);
    const readiness = new Readiness(
      [
        { name: 'keystore', store: good },
        { name: 'bucketstore', store: good },
      ],
      NEVER,
    );
    expect(await readiness.check()).toEqual({ status: 200, body: 'keystore: ready\nbucketstore: ready\n' });
  });

  test('is not ready while one cannot, and says which and why', async () => {
    const good = storeThat(async () => undefined);
    const full = storeThat(() => Promise.reject(new Error('No space is left.')));
    const readiness = new Readiness(
      [
        { name: 'keystore', store: good },
        { name: 'bucketstore', store: full },
      ],
      NEVER,
    );
    expect(await readiness.check()).toEqual({
      status: 503,
      body: 'keystore: ready\nbucketstore: not ready: No space is left.\n',
    });
  });

  test('is not ready any more when it stops, whatever a check waits for', async () => {
    const closing = new AbortController();
    const stuck = storeThat(({ signal }) => {
      const { promise, reject } = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      return promise;
    });
    const readiness = new Readiness([{ name: 'keystore', store: stuck }], { closing: closing.signal });
    const checking = readiness.check();
    closing.abort(new Error('stop'));
    expect(await checking).toEqual({ status: 503, body: 'keystore: not ready: stop\n' });
    expect(await readiness.check()).toEqual({ status: 503, body: 'stopping\n' });
  });

  test('checks its stores once, however many ask within a second', async () => {
    let checks = 0;
    const counting = storeThat(async () => {
      checks += 1;
    });
    const readiness = new Readiness([{ name: 'keystore', store: counting }], NEVER);
    await Promise.all(Array.from({ length: 100 }, () => readiness.check()));
    await readiness.check();
    expect(checks).toBe(1);
  });
});
