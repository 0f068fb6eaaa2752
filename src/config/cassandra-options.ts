import { z } from 'zod';
import type { CassandraConfig } from './cassandra-config.ts';
import { cassandraKeys } from './cassandra-schema.ts';
import { resolveCassandra } from './resolve-cassandra.ts';
import { textsOf } from './texts-of.ts';
import type { Tree } from './tree.ts';

/** A cluster as a program names it: the settings of the section `cassandra` in camel case. */
export interface CassandraOptions {
  /** Addresses of nodes, such as `10.0.0.1` or `db.example.com:9042`. */
  readonly cluster: string | readonly string[];
  /** Needed where the cluster has several. */
  readonly localDataCentre?: string | undefined;
  /** `pithos` unless given. */
  readonly keyspace?: string | undefined;
  /** Of a new keyspace: such as `3`, `dc1:3,dc2:3`, or `{ class: 'NetworkTopologyStrategy', dc1: 3 }`. */
  readonly replication?: string | number | Readonly<Record<string, string | number>> | undefined;
  /** `quorum` unless given. */
  readonly readConsistency?: string | undefined;
  readonly writeConsistency?: string | undefined;
  /** `serial` unless given. */
  readonly serialConsistency?: string | undefined;
  readonly eventual?: boolean | undefined;
  readonly singleDataCentre?: boolean | undefined;
  /** Given together. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** `true`, or paths of PEM files. */
  readonly tls?:
    | boolean
    | { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly verify?: boolean }
    | undefined;
  readonly compaction?: string | Readonly<Record<string, string | number>> | undefined;
  /** Such as `5s`; 10 s unless given. */
  readonly requestTimeout?: string | undefined;
}

const schema = z.strictObject(cassandraKeys);

/** Checks them as the configuration file's are checked. Throws a `TypeError` with every mistake. */
export function configureCassandra(options: CassandraOptions): CassandraConfig {
  const settings = Object.entries(options).flatMap(([name, value]): [string, Tree][] =>
    value === undefined ? [] : [[kebabCase(name), textsOf(value)]],
  );
  const parsed = schema.safeParse(Object.fromEntries(settings));
  if (!parsed.success) {
    throw new TypeError(parsed.error.issues.map(({ path, message }) => `${nameOf(path)}${message}`).join('; '));
  }
  const { config, mistakes } = resolveCassandra(parsed.data, {});
  if (mistakes.length > 0)
    throw new TypeError(mistakes.map(({ key, message }) => `${key ?? 'It'} ${message}`).join('; '));
  return config;
}

function kebabCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function nameOf(path: readonly PropertyKey[]): string {
  return path.length === 0 ? '' : `${path.join('.')} `;
}
