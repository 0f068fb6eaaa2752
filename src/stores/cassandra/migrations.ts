import { readFile } from 'node:fs/promises';

/** The kinds of stores: a keyspace gets the tables of what is put into it. */
export const STORE_KINDS = ['keystore', 'bucketstore', 'metastore', 'blobstore'] as const;
export type StoreKind = (typeof STORE_KINDS)[number];

/** The changes of the schema, oldest first: files under `schema/`, named by number and kind. */
export const MIGRATIONS: readonly { readonly number: number; readonly kind: StoreKind }[] = [
  { number: 1, kind: 'keystore' },
  { number: 1, kind: 'bucketstore' },
  { number: 1, kind: 'metastore' },
  { number: 1, kind: 'blobstore' },
];

/** The highest number of a kind's migrations: the version that its tables have when all have run. */
export function versionOf(kind: StoreKind): number {
  return Math.max(...MIGRATIONS.filter((migration) => migration.kind === kind).map(({ number }) => number));
}

/** The statements of one migration. */
export async function readMigration({ number, kind }: (typeof MIGRATIONS)[number]): Promise<readonly string[]> {
  const name = `./schema/${String(number).padStart(4, '0')}-${kind}.cql`;
  const text = await readFile(new URL(name, import.meta.url), 'utf8');
  return text
    .split('\n')
    .filter((line) => !line.startsWith('--'))
    .join('\n')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
