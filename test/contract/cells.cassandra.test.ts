import { afterAll, beforeAll } from 'vitest';
import { CqlCells } from '../../src/stores/cassandra/cql-cells.ts';
import type { CassandraSession } from '../../src/stores/cassandra/session.ts';
import { openTestKeyspace, type TestKeyspace } from '../support/cassandra.ts';
import { cellsContract } from './cells.ts';
import { must } from './drafts.ts';

let keyspace: TestKeyspace | undefined;
let session: CassandraSession | undefined;

beforeAll(async () => {
  keyspace = await openTestKeyspace();
  session = await keyspace.connect();
});

afterAll(async () => {
  await session?.[Symbol.asyncDispose]();
  await keyspace?.[Symbol.asyncDispose]();
});

cellsContract({ engine: 'a cluster', open: () => new CqlCells(must(session)) });
