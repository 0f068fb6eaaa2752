import { Counts, type MetricsSnapshot } from './counts.ts';

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
  /** Lines of the log that could not be written to one of its outputs. */
  logLinesLost(lines: number): void;
  cassandraRequestEnded(request: CassandraRequest): void;
  /** A copy of a chunk did not match its checksum, and another one was asked for. `store` names the blobstore. */
  chunkCorrupted(store: string): void;
}

/** Counts that can be read; every one may be summed over processes, as `ServerMetrics` does. */
export interface ReadableMetrics extends Metrics {
  snapshot(): MetricsSnapshot;
}

export function createMetrics(): ReadableMetrics {
  const counts = new Counts();
  const requests = counts.counter('pithos_requests_total', 'Requests answered, by operation and status.', [
    'operation',
    'status',
  ]);
  const durations = counts.histogram(
    'pithos_request_duration_seconds',
    'Time from the head of a request to the last byte of its answer.',
    { labels: ['operation'], bounds: DURATION_BUCKETS_SECONDS },
  );
  const received = counts.counter('pithos_received_bytes_total', 'Bytes of request bodies.');
  const sent = counts.counter('pithos_sent_bytes_total', 'Bytes of response bodies.');
  const inFlight = counts.gauge('pithos_requests_in_flight', 'Requests being answered.');
  const storeErrors = counts.counter(
    'pithos_store_errors_total',
    'Failed store calls that a client was told of, by kind.',
    ['kind'],
  );
  const mismatches = counts.counter(
    'pithos_checksum_mismatches_total',
    'Bytes that did not match their checksum: sent by a client, or read from a store.',
    ['source'],
  );
  const lostLines = counts.counter(
    'pithos_log_lines_lost_total',
    'Lines of the log that could not be written to standard output or to a file.',
  );
  return {
    ...cassandraMetrics(counts),
    snapshot: () => counts.snapshot(),
    requestStarted: () => inFlight.add(1, {}),
    requestEnded({ operation, status, durationSeconds, receivedBytes, sentBytes }) {
      inFlight.add(-1, {});
      requests.add(1, { operation, status });
      durations.observe(durationSeconds, { operation });
      if (receivedBytes > 0) received.add(receivedBytes, {});
      if (sentBytes > 0) sent.add(sentBytes, {});
    },
    storeFailed: (kind) => storeErrors.add(1, { kind }),
    checksumMismatched: (source) => mismatches.add(1, { source }),
    logLinesLost: (lines) => lostLines.add(lines, {}),
  };
}

function cassandraMetrics(counts: Counts): Pick<Metrics, 'cassandraRequestEnded' | 'chunkCorrupted'> {
  const requests = counts.counter(
    'pithos_cassandra_requests_total',
    'Requests to Cassandra, every attempt counted, by keyspace, table, operation and outcome.',
    ['keyspace', 'table', 'operation', 'outcome'],
  );
  const durations = counts.histogram(
    'pithos_cassandra_request_duration_seconds',
    'Time that one request to Cassandra took.',
    { labels: ['keyspace', 'table', 'operation'], bounds: CASSANDRA_BUCKETS_SECONDS },
  );
  const chunks = counts.counter(
    'pithos_corrupt_chunks_total',
    'Copies of chunks that did not match their checksum when they were read, by blobstore.',
    ['store'],
  );
  return {
    cassandraRequestEnded({ keyspace, table, operation, outcome, durationMs }) {
      requests.add(1, { keyspace, table, operation, outcome });
      durations.observe(durationMs / 1000, { keyspace, table, operation });
    },
    chunkCorrupted: (store) => chunks.add(1, { store }),
  };
}
