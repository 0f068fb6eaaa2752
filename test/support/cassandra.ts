import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import type { KeyspaceOptions } from '../../src/stores/cassandra/cluster.ts';
import { installSchema } from '../../src/stores/cassandra/install-schema.ts';
import { STORE_KINDS } from '../../src/stores/cassandra/migrations.ts';
import { CassandraSession, type SessionHooks } from '../../src/stores/cassandra/session.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** `host:port`, of the cluster that the run uses. */
    readonly cassandra: readonly string[];
  }
}

/** A keyspace of its own, on the cluster of this run; dropped when disposed of. */
export interface TestKeyspace extends AsyncDisposable {
  readonly options: KeyspaceOptions;
  /** Connects as another process would. */
  connect(hooks?: SessionHooks): Promise<CassandraSession>;
}

/** The contact points of the cluster that this run uses. */
export function testContactPoints(): readonly string[] {
  return inject('cassandra');
}

export async function openTestKeyspace(
  change: Partial<KeyspaceOptions> = {},
  contactPoints: readonly string[] = testContactPoints(),
): Promise<TestKeyspace> {
  const options: KeyspaceOptions = {
    contactPoints,
    keyspace: `test_${randomBytes(6).toString('hex')}`,
    replication: { class: 'SimpleStrategy', factor: 1 },
    levels: { read: 'QUORUM', write: 'QUORUM', serial: 'SERIAL' },
    isEventual: false,
    isSingleDataCentre: false,
    requestTimeoutMs: 15_000,
    nowMs: () => Date.now(),
    ...change,
  };
  await installSchema(options, STORE_KINDS);
  return {
    options,
    connect: (hooks) => CassandraSession.connect(options, hooks),
    async [Symbol.asyncDispose]() {
      await using session = await CassandraSession.connect(options);
      await session.client.execute(`DROP KEYSPACE "${options.keyspace}"`, [], { prepare: false });
    },
  };
}

/** What puts the stores of `pithos serve`, or of another command, into a keyspace. */
export function serveArguments({ options }: TestKeyspace): readonly string[] {
  return ['--cassandra', options.contactPoints.join(','), '--keyspace', options.keyspace];
}
