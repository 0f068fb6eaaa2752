import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Upper bounds of the duration histogram, in seconds. */
const DURATION_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];
const CASSANDRA_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10];

/** How a request ended, for the counters. */
export interface RequestOutcome {
  /** An operation's name; `Unknown` where none was found. Never anything a client made up. */
  readonly operation: string;
  readonly status: number;
  readonly durationSeconds: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** How a request to a Cassandra cluster ended, for the counters. */
export interface CassandraRequest {
  readonly keyspace: string;
  readonly table: string;
  readonly operation: string;
  /** `ok`, or what kind of failure it was. */
  readonly outcome: string;
  readonly durationMs: number;
}

/** What one process counts. */
export interface Metrics {
  requestStarted(): void;
  requestEnded(outcome: RequestOutcome): void;
  storeFailed(kind: string): void;
  /** `client`: a body did not match its digest. `store`: stored bytes did not match theirs. */
  checksumMismatched(source: 'client' | 'store'): void;
  cassandraRequestEnded(request: CassandraRequest): void;
  /** A copy of a chunk did not match its checksum, and another one was asked for. `store` names the blobstore. */
  chunkCorrupted(store: string): void;
}

/** Counts that can be read; every one may be summed over processes, as `ServerMetrics` does. */
export interface RegisteredMetrics extends Metrics {
  readonly registry: Registry;
}

export function createMetrics(): RegisteredMetrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'pithos_requests_total',
    help: 'Requests answered, by operation and status.',
    labelNames: ['operation', 'status'],
    registers,
  });
  const durations = new Histogram({
    name: 'pithos_request_duration_seconds',
    help: 'Time from the head of a request to the last byte of its answer.',
    labelNames: ['operation'],
    buckets: DURATION_BUCKETS_SECONDS,
    registers,
  });
  const received = new Counter({ name: 'pithos_received_bytes_total', help: 'Bytes of request bodies.', registers });
  const sent = new Counter({ name: 'pithos_sent_bytes_total', help: 'Bytes of response bodies.', registers });
  const inFlight = new Gauge({ name: 'pithos_requests_in_flight', help: 'Requests being answered.', registers });
  const storeErrors = new Counter({
    name: 'pithos_store_errors_total',
    help: 'Failed store calls that a client was told of, by kind.',
    labelNames: ['kind'],
    registers,
  });
  const mismatches = new Counter({
    name: 'pithos_checksum_mismatches_total',
    help: 'Bytes that did not match their checksum: sent by a client, or read from a store.',
    labelNames: ['source'],
    registers,
  });
  return {
    ...cassandraMetrics(registers),
    registry,
    requestStarted: () => inFlight.inc(),
    requestEnded({ operation, status, durationSeconds, receivedBytes, sentBytes }) {
      inFlight.dec();
      requests.inc({ operation, status });
      durations.observe({ operation }, durationSeconds);
      if (receivedBytes > 0) received.inc(receivedBytes);
      if (sentBytes > 0) sent.inc(sentBytes);
    },
    storeFailed: (kind) => storeErrors.inc({ kind }),
    checksumMismatched: (source) => mismatches.inc({ source }),
  };
}

function cassandraMetrics(registers: Registry[]): Pick<Metrics, 'cassandraRequestEnded' | 'chunkCorrupted'> {
  const requests = new Counter({
    name: 'pithos_cassandra_requests_total',
    help: 'Requests to Cassandra, every attempt counted, by keyspace, table, operation and outcome.',
    labelNames: ['keyspace', 'table', 'operation', 'outcome'],
    registers,
  });
  const durations = new Histogram({
    name: 'pithos_cassandra_request_duration_seconds',
    help: 'Time that one request to Cassandra took.',
    labelNames: ['keyspace', 'table', 'operation'],
    buckets: CASSANDRA_BUCKETS_SECONDS,
    registers,
  });
  const chunks = new Counter({
    name: 'pithos_corrupt_chunks_total',
    help: 'Copies of chunks that did not match their checksum when they were read, by blobstore.',
    labelNames: ['store'],
    registers,
  });
  return {
    cassandraRequestEnded({ keyspace, table, operation, outcome, durationMs }) {
      requests.inc({ keyspace, table, operation, outcome });
      durations.observe({ keyspace, table, operation }, durationMs / 1000);
    },
    chunkCorrupted: (store) => chunks.inc({ store }),
  };
}
