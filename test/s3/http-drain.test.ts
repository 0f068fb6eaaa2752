import { describe, expect, test } from 'vitest';
import type { ContextOf } from '../../src/operations/operation.ts';
import { RawConnection } from '../support/raw-http.ts';
import { Front, tinyOperation } from '../support/start-front.ts';

describe('draining', () => {
  test('lets a running request end, tells its client to close, and takes no other', async () => {
    await using running = await Running.start();
    using connection = await running.front.connect();
    connection.send(running.front.requestBytes());
    await running.begun;
    const drained = running.front.drain({ graceMs: 5_000 });
    await expect(RawConnection.open(running.front.port)).rejects.toThrow(/ECONNREFUSED/);
    running.finish();
    const { status, headers } = await connection.response();
    expect([status, headers.get('connection')]).toEqual([200, 'close']);
    await drained;
  });

  test('closes idle connections at once', async () => {
    await using front = await Front.start({ operations: { GetObject: tinyOperation('GetObject') } });
    using idle = await front.connect();
    idle.send(front.requestBytes());
    await idle.response();
    await front.drain({ graceMs: 60_000 });
    await idle.closed();
  });

  test('cuts what does not end in time, and its signal fires', async () => {
    await using running = await Running.start();
    using connection = await running.front.connect();
    connection.send(running.front.requestBytes());
    const { signal } = await running.begun;
    await running.front.drain({ graceMs: 50 });
    expect(signal.aborted).toBe(true);
    await connection.closed();
  });
});

test('draining waits for a request whose client has gone: it may be in the middle of a write', async () => {
  await using front = await Front.start({ operations: { GetObject: tinyOperation('GetObject', { run: slowly }) } });
  let hasEnded = false;
  const begun = Promise.withResolvers<void>();
  async function slowly() {
    begun.resolve();
    await new Promise((resolve) => setTimeout(resolve, 300));
    hasEnded = true;
  }
  using connection = await front.connect();
  connection.send(front.requestBytes());
  await begun.promise;
  connection[Symbol.dispose]();
  await front.drain({ graceMs: 5_000 });
  expect(hasEnded).toBe(true);
});

test('the signal of a request fires when its client goes away', async () => {
  await using running = await Running.start();
  using connection = await running.front.connect();
  connection.send(running.front.requestBytes());
  const { signal } = await running.begun;
  const fired = new Promise((resolve) => signal.addEventListener('abort', resolve));
  connection[Symbol.dispose]();
  await fired;
  expect(signal.reason).toMatchObject({ name: 'RequestAborted' });
});

/** A front whose GetObject runs until it is told to finish, or its signal fires. */
class Running implements AsyncDisposable {
  readonly front: Front;
  readonly begun: Promise<ContextOf<'object'>>;
  readonly finish: () => void;

  private constructor(parts: Pick<Running, 'front' | 'begun' | 'finish'>) {
    this.front = parts.front;
    this.begun = parts.begun;
    this.finish = parts.finish;
  }

  static async start(): Promise<Running> {
    const begun = Promise.withResolvers<ContextOf<'object'>>();
    const finished = Promise.withResolvers<void>();
    const run = async (context: ContextOf<'object'>) => {
      begun.resolve(context);
      const aborted = new Promise((_, reject) =>
        context.signal.addEventListener('abort', () => reject(context.signal.reason)),
      );
      await Promise.race([finished.promise, aborted]);
    };
    const front = await Front.start({ operations: { GetObject: tinyOperation('GetObject', { run }) } });
    return new Running({ front, begun: begun.promise, finish: finished.resolve });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.finish();
    await this.front[Symbol.asyncDispose]();
  }
}
