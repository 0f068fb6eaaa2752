import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type BalancerTrouble, ConnectionBalancer } from './connection-balancer.ts';

const LIMITS = { waitingMax: 2, takeMsMax: 200 };

let balancer: ConnectionBalancer;
let port: number;
let troubles: BalancerTrouble[];
let handed: { id: number; socket: Socket }[];
let clients: Socket[];

beforeEach(async () => {
  troubles = [];
  balancer = new ConnectionBalancer({ onTrouble: (trouble) => troubles.push(trouble), limits: LIMITS });
  ({ port } = await balancer.listen({ host: '127.0.0.1', port: 0 }));
  handed = [];
  clients = [];
});

afterEach(() => {
  balancer.close();
  for (const client of clients) client.destroy();
});

const add = (id: number) => balancer.add(id, (socket) => handed.push({ id, socket }));
const idsHanded = () => handed.map(({ id }) => id);

async function open(): Promise<Socket> {
  const client = connect(port, '127.0.0.1');
  clients.push(client);
  await once(client, 'connect');
  return client;
}

async function untilHanded(count: number): Promise<void> {
  while (handed.length < count) await setTimeout(1);
}

describe('a connection', () => {
  test('goes to the worker with the fewest, by what each said last', async () => {
    for (const id of [1, 2]) add(id);
    balancer.taken(1, 5);
    balancer.taken(2, 3);
    for (const count of [4, 5]) {
      await open();
      await untilHanded(count - 3);
      balancer.taken(2, count);
    }
    await open();
    await untilHanded(3);
    expect(idsHanded()).toEqual([2, 2, 1]);
  });

  test('goes to nobody who has not taken the one before', async () => {
    add(1);
    await open();
    await untilHanded(1);
    add(2);
    await open();
    await open();
    await untilHanded(2);
    await setTimeout(20);
    expect(idsHanded()).toEqual([1, 2]);
    balancer.taken(1, 1);
    expect(idsHanded()).toEqual([1, 2, 1]);
  });

  test('waits for the first worker that there is', async () => {
    await open();
    await setTimeout(20);
    add(7);
    await untilHanded(1);
    expect(idsHanded()).toEqual([7]);
  });

  test('is closed where its worker ends before it took it, and the next goes to another', async () => {
    add(1);
    const client = await open();
    await untilHanded(1);
    client.resume();
    const ended = once(client, 'close');
    balancer.remove(1);
    await ended;
    add(2);
    await open();
    await untilHanded(2);
    expect(idsHanded()).toEqual([1, 2]);
  });

  test('that is not taken in time keeps nobody from the worker for longer, and is told of', async () => {
    add(1);
    await open();
    await open();
    await untilHanded(2);
    expect(idsHanded()).toEqual([1, 1]);
    expect(troubles).toEqual([{ kind: 'untaken', worker: 1, afterMs: LIMITS.takeMsMax }]);
  });

  test('beyond those that may wait is closed, and told of', async () => {
    for (let count = 0; count < LIMITS.waitingMax; count++) await open();
    const client = await open();
    client.resume();
    await once(client, 'close');
    expect(troubles).toEqual([{ kind: 'closed', waitingCount: LIMITS.waitingMax }]);
  });

  test('that waits for a worker is closed with the server', async () => {
    const client = await open();
    await setTimeout(20);
    client.resume();
    const ended = once(client, 'close');
    balancer.close();
    await ended;
  });
});

test('an address that is in use is an error', async () => {
  await expect(
    new ConnectionBalancer({ onTrouble: () => undefined }).listen({ host: '127.0.0.1', port }),
  ).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
});
