import type { Secret } from '../domain/secret.ts';

/** The consistency levels of reads and writes, as Cassandra names them. */
export const CONSISTENCIES = [
  'ANY',
  'ONE',
  'TWO',
  'THREE',
  'QUORUM',
  'ALL',
  'LOCAL_QUORUM',
  'EACH_QUORUM',
  'LOCAL_ONE',
] as const;
export type Consistency = (typeof CONSISTENCIES)[number];

/** Those of transactions. */
export const SERIAL_CONSISTENCIES = ['SERIAL', 'LOCAL_SERIAL'] as const;
export type SerialConsistency = (typeof SERIAL_CONSISTENCIES)[number];

export interface ContactPoint {
  readonly host: string;
  readonly port: number;
}

/** In how many places each row is. */
export type Replication =
  | { readonly class: 'SimpleStrategy'; readonly factor: number }
  /** By data centre. */
  | { readonly class: 'NetworkTopologyStrategy'; readonly factors: ReadonlyMap<string, number> };

export interface Compaction {
  readonly class: string;
  readonly options: Readonly<Record<string, string>>;
}

/** Paths of PEM files; without `ca`, the authorities that Node trusts. */
export interface CassandraTls {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Whether a node must show a certificate for its address. */
  readonly verify: boolean;
}

/** A store on a cluster: where it is, and what it asks of it. */
export interface CassandraConfig {
  /** At least one. */
  readonly contactPoints: readonly ContactPoint[];
  /** `undefined`: the only one that the cluster has. */
  readonly localDataCentre: string | undefined;
  readonly keyspace: string;
  /** What a new keyspace gets; `undefined`: `install-schema` decides by the nodes that there are. */
  readonly replication: Replication | undefined;
  readonly readConsistency: Consistency;
  readonly writeConsistency: Consistency;
  readonly serialConsistency: SerialConsistency;
  /** Levels are accepted with which a read may miss what was written. */
  readonly eventual: boolean;
  /** Every gateway is in the local data centre, so that levels of one data centre keep the promises. */
  readonly singleDataCentre: boolean;
  readonly credentials: { readonly username: string; readonly password: Secret } | undefined;
  readonly tls: CassandraTls | undefined;
  readonly compaction: Compaction | undefined;
  /** How long one request may take, in milliseconds. */
  readonly requestTimeoutMs: number;
}

/** Such as `10.0.0.1:9042` or `[fe80::1]:9042`. */
export function addressOf({ host, port }: ContactPoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
