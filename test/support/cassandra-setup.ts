import { createServer, type Server } from 'node:net';
import type { TestProject } from 'vitest/node';
import { startCluster } from '../../scripts/cassandra/cluster.ts';
import { makeTempDir } from './temp-dir.ts';

/** Addresses that a node of the tests may have: the last number of 127.0.0.x. */
const FIRST_ADDRESS = 21;
const LAST_ADDRESS = 60;
const CQL_PORT = 9042;
/** Whoever listens on it has the address. */
const LOCK_PORT = 9041;

/**
 * Gives the tests a cluster: the one that `PITHOS_TEST_CASSANDRA` names, as host:port and separated by commas, or a
 * node that is started for this run and wiped after it.
 */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const given = process.env['PITHOS_TEST_CASSANDRA'];
  if (given !== undefined && given !== '') {
    provide('cassandra', given.split(','));
    return async () => undefined;
  }
  const directory = await makeTempDir();
  const firstAddress = await freeAddress();
  const cluster = await startCluster({ directory: directory.path, firstAddress, nodes: 1, heap: '1G' });
  provide('cassandra', cluster.contactPoints);
  // The setups of a run come one after the other, in one process: the next project's finds this node.
  process.env['PITHOS_TEST_CASSANDRA'] = cluster.contactPoints.join(',');
  return async () => {
    await cluster[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  };
}

/**
 * An address of which `count` in a row are free. They are this process's until it ends, though nodes come and go there:
 * another process that looks at the same time, or while a node is down, finds others.
 */
export async function freeAddress(count = 1): Promise<string> {
  for (let last = FIRST_ADDRESS; last + count - 1 <= LAST_ADDRESS; last += 1) {
    if (await reserve(Array.from({ length: count }, (_, index) => `127.0.0.${last + index}`))) return `127.0.0.${last}`;
  }
  throw new Error(`No address of 127.0.0.${FIRST_ADDRESS} to ${LAST_ADDRESS} is free for a node.`);
}

async function reserve(addresses: readonly string[]): Promise<boolean> {
  const locks: Server[] = [];
  for (const host of addresses) {
    const lock = await listen(host, LOCK_PORT);
    if (lock !== undefined) locks.push(lock);
    const node = lock === undefined ? undefined : await listen(host, CQL_PORT);
    node?.close();
    if (node !== undefined) continue;
    for (const taken of locks) taken.close();
    return false;
  }
  return true;
}

/** A listener that does not keep the process running, or nothing where the port is taken. */
function listen(host: string, port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(undefined));
    server.listen({ host, port }, () => resolve(server.unref()));
  });
}
