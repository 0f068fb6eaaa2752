import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CassandraCluster, startCluster } from '../../scripts/cassandra/cluster.ts';
import { freeAddress } from '../support/cassandra-setup.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { type Ended, runPithos } from './run-pithos.ts';

/** How long a fresh node takes to make its first user, in milliseconds. */
const USER_MS_MAX = 60_000;

let directory: TempDir;
let cluster: CassandraCluster;
beforeAll(async () => {
  directory = await makeTempDir();
  const firstAddress = await freeAddress();
  cluster = await startCluster({ directory: directory.path, firstAddress, nodes: 1, hasAuthentication: true });
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

function installSchema(credentials: Readonly<Record<string, string>>): Promise<Ended> {
  return runPithos(['install-schema', '--cassandra', cluster.contactPoints.join(',')], credentials);
}

test('a cluster with users says in one line whom it refused, and takes the right one', async () => {
  const user = { PITHOS_CASSANDRA_USERNAME: 'cassandra', PITHOS_CASSANDRA_PASSWORD: 'cassandra' };
  await expect.poll(async () => (await installSchema(user)).code, { timeout: USER_MS_MAX }).toBe(0);
  expect((await installSchema(user)).stdout).toBe('Keyspace pithos: nothing to do\n');
  const [where] = cluster.contactPoints;
  expect(await installSchema({})).toEqual({
    code: 2,
    stdout: '',
    stderr: `pithos: Cassandra at ${where} refused the credentials. It needs a user: set username and password.\n`,
  });
  const wrong = await installSchema({ ...user, PITHOS_CASSANDRA_PASSWORD: 'hush-hush' });
  expect(wrong).toEqual({
    code: 2,
    stdout: '',
    stderr: `pithos: Cassandra at ${where} refused the credentials. Check username cassandra and its password.\n`,
  });
});
