import { hash } from 'node:crypto';
import { type CallOptions, StoreError } from '../store.ts';
import type { Cells } from './cells.ts';
import type { ChunkReads } from './chunk-reads.ts';
import { connectClient, inspectCluster, type KeyspaceOptions } from './cluster.ts';
import { type Replication, survives } from './consistency.ts';
import { CqlCells } from './cql-cells.ts';
import { CqlChunkReads } from './cql-chunk-reads.ts';
import { examineKeyspace, type Finding } from './doctor.ts';
import { checkReplication, checkSchema, type InstallReport, installSchema } from './install-schema.ts';
import type { StoreKind } from './migrations.ts';
import { readReplication } from './replication-of.ts';
import { CassandraSession, type RequestReport } from './session.ts';

/** Copies of each row in a data centre, where nobody says and there are as many nodes. */
const COPIES = 3;

/** A keyspace as the configuration has it: how many copies it keeps may be left to the cluster. */
export type KeyspaceChoice = Omit<KeyspaceOptions, 'replication'> & { readonly replication: Replication | undefined };

/** What a store needs of a keyspace. */
export interface OpenKeyspace {
  readonly session: CassandraSession;
  readonly cells: Cells;
  readonly chunkReads: ChunkReads;
  /** What the cluster's clock is ahead of this process', in milliseconds. */
  readonly offsetMs: () => number;
  /** Cluster, keyspace, copies and levels, and what that survives, in one line. */
  readonly description: string;
}

/** The keyspaces of one process: stores that are told the same share a session. Disposing of it closes them all. */
export class Keyspaces implements AsyncDisposable {
  readonly #onRequest: (report: RequestReport) => void;
  readonly #opened = new Map<string, Promise<OpenKeyspace>>();
  readonly #sessions: CassandraSession[] = [];

  constructor({ onRequest }: { readonly onRequest: (report: RequestReport) => void }) {
    this.#onRequest = onRequest;
  }

  /** A keyspace that is ready for stores of this kind. Throws `StoreError` with one sentence that says what to do. */
  async open(choice: KeyspaceChoice, kind: StoreKind): Promise<OpenKeyspace> {
    const name = identityOf(choice);
    const opening = this.#opened.get(name) ?? this.#connect(choice);
    this.#opened.set(name, opening);
    const keyspace = await opening;
    await checkSchema(keyspace.session.client, keyspace.session.options, [kind]);
    return keyspace;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#opened.values());
    for (const session of this.#sessions.splice(0)) await session[Symbol.asyncDispose]();
  }

  async #connect(choice: KeyspaceChoice): Promise<OpenKeyspace> {
    const options = await withReplication(choice, 'of the keyspace');
    const session = await CassandraSession.connect(options, { onRequest: this.#onRequest });
    this.#sessions.push(session);
    const { name, localDataCentre } = session.facts;
    const replication = await checkReplication(session.client, options, localDataCentre);
    const { read, write, serial } = options.levels;
    const description = [
      `cassandra: cluster ${name}, keyspace ${options.keyspace}, copies ${copiesText(replication)}`,
      `reads ${read}, writes ${write}, transactions ${serial}`,
      survives({ ...options, replication, localDataCentre }),
    ].join('; ');
    return {
      session,
      cells: new CqlCells(session),
      chunkReads: new CqlChunkReads(session),
      offsetMs: () => session.clockOffsetMs(),
      description,
    };
  }
}

/** Looks at every keyspace and the cluster under it. Throws `StoreError` where one cannot be reached. */
export async function* examineKeyspaces(
  stores: readonly { readonly choice: KeyspaceChoice; readonly kind: StoreKind }[],
  options: CallOptions,
): AsyncGenerator<{ readonly keyspace: string; readonly findings: readonly Finding[] }> {
  for (const { choice, kinds } of byKeyspace(stores)) {
    const { keyspace } = choice;
    yield {
      keyspace,
      findings: await examineKeyspace(await withReplication(choice, 'of the keyspace'), kinds, options),
    };
  }
}

/** Makes keyspaces ready for the stores that each is to hold. Throws `StoreError` with one sentence. */
export async function* installSchemas(
  stores: readonly { readonly choice: KeyspaceChoice; readonly kind: StoreKind }[],
): AsyncGenerator<InstallReport> {
  for (const { choice, kinds } of byKeyspace(stores)) {
    yield await installSchema(await withReplication(choice, 'by the nodes'), kinds);
  }
}

/** Each keyspace once, with the kinds of stores in it. */
function byKeyspace(
  stores: readonly { readonly choice: KeyspaceChoice; readonly kind: StoreKind }[],
): readonly { readonly choice: KeyspaceChoice; readonly kinds: readonly StoreKind[] }[] {
  const groups = Map.groupBy(stores, ({ choice }) => identityOf(choice));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ choice: first.choice, kinds: [...new Set(group.map(({ kind }) => kind))] }];
  });
}

/**
 * The replication that was configured, else the one that the keyspace has, else as many copies in each data centre as
 * it has nodes, up to three.
 */
async function withReplication(choice: KeyspaceChoice, otherwise: 'of the keyspace' | 'by the nodes') {
  if (choice.replication !== undefined) return { ...choice, replication: choice.replication };
  const { keyspace, ...cluster } = choice;
  const { localDataCentre, nodes } = await inspectCluster(cluster);
  const client = await connectClient(cluster, localDataCentre);
  try {
    const existing = await readReplication(client, keyspace);
    if (existing !== undefined) return { ...choice, replication: existing };
  } finally {
    await client.shutdown();
  }
  if (otherwise === 'of the keyspace') {
    throw new StoreError('unavailable', `There is no keyspace ${keyspace}. Run \`pithos install-schema\`.`);
  }
  const factors = new Map<string, number>();
  for (const { dataCentre } of nodes) factors.set(dataCentre, Math.min(COPIES, (factors.get(dataCentre) ?? 0) + 1));
  return { ...choice, replication: { class: 'NetworkTopologyStrategy', factors } as const };
}

/** The same for choices that are the same. */
function identityOf({ replication, username, password, nowMs: _, ...rest }: KeyspaceChoice): string {
  const copies = replication?.class === 'NetworkTopologyStrategy' ? [...replication.factors] : replication;
  return hash('sha256', JSON.stringify({ ...rest, copies, username, password: password?.reveal() }));
}

function copiesText(replication: Replication): string {
  if (replication.class === 'SimpleStrategy') return String(replication.factor);
  return [...replication.factors].map(([name, factor]) => `${name}: ${factor}`).join(', ');
}
