import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import type { AskedAcl } from './s3-rights.ts';
import type { Checksum, ChecksumName, Grant, MadeId, NaiveBucket, NaiveS3, Tag } from './s3-state.ts';
import { currentObject } from './s3-state.ts';

/** Keys that meet each other in prefixes, delimiters and markers, and that one encoding or another gets wrong. */
export const KEYS: readonly string[] = [
  'a',
  'a/',
  'a/b',
  'a/b/c',
  'a//b',
  'a/\u{10000}',
  'a0',
  'a+b c%2F',
  'b',
  '/',
  '//',
  '/a',
  '..',
  './a',
  'a/../b',
  '%',
  '%2F',
  '+',
  ' ',
  '\u0001',
  'a\t\r\n',
  '\u007f',
  '\ud7ff',
  '\uffff',
  '\u{1f600}',
  '\u{10ffff}/x',
  'é',
  'e\u0301',
  '<&>"',
  'x'.repeat(1024),
];

export const PREFIXES: readonly string[] = ['', 'a', 'a/', 'a//', '/', '\ud7ff', '\uffff', '\u{10ffff}', '%', 'none'];
export const DELIMITERS: readonly string[] = ['', '/', '/', '/', '//', 'a', '%', '\u{10000}', 'b/'];
export const BUCKETS: readonly string[] = ['model-a', 'model-b'];

/** Bytes, by a name that can be read in a counterexample. Longer than 64 KiB, they are not stored beside the metadata. */
export const BODIES = {
  empty: Buffer.alloc(0),
  one: Buffer.from('1'),
  short: Buffer.from('A short body.'),
  other: Buffer.from('Another body, a little longer.'),
  long: Buffer.alloc(70_000, 'long '),
} as const;
export type BodyName = keyof typeof BODIES;
/** What only the last part of an upload may be smaller than: 5 MiB. */
export const PART_BYTES_MIN = 5 * 1024 ** 2;
export const PARTS = { ...BODIES, large: Buffer.alloc(PART_BYTES_MIN, 'large ') } as const;
export type PartName = keyof typeof PARTS;

export const bucketName = fc.oneof(
  { weight: 30, arbitrary: fc.constant('model-a') },
  { weight: 10, arbitrary: fc.constant('model-b') },
  { weight: 1, arbitrary: fc.constant('model-none') },
);

/** A key that is there if any is, or any of the alphabet. */
export type KeyChoice =
  | { readonly kind: 'there'; readonly pick: number }
  | { readonly kind: 'any'; readonly key: string };
export const keyChoice: fc.Arbitrary<KeyChoice> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('there' as const), pick: fc.nat(40) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('any' as const), key: fc.constantFrom(...KEYS) }) },
);

export function keyOf(s3: NaiveS3, bucket: string, choice: KeyChoice): string {
  if (choice.kind === 'any') return choice.key;
  const there = [...(s3.buckets.get(bucket)?.keys.keys() ?? KEYS)];
  return pickOf(there, choice.pick) ?? KEYS[choice.pick % KEYS.length] ?? 'a';
}

/** The current version, the null version, one that the key has, or one that it may have had or never had. */
export type VersionChoice =
  | { readonly kind: 'current' | 'null' }
  | { readonly kind: 'own' | 'made'; readonly pick: number };
export const versionChoice: fc.Arbitrary<VersionChoice> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ kind: 'current' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'null' as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('own' as const), pick: fc.nat(10) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('made' as const), pick: fc.nat(40) }) },
);

export function versionIdOf(
  s3: NaiveS3,
  at: { bucket: string; key: string },
  choice: VersionChoice,
): string | undefined {
  switch (choice.kind) {
    case 'current':
      return undefined;
    case 'null':
      return 'null';
    case 'own': {
      const versions = s3.buckets.get(at.bucket)?.keys.get(at.key) ?? [];
      return pickOf(versions, choice.pick)?.id;
    }
    case 'made':
      return pickOf(s3.versions, choice.pick)?.id;
  }
}

export function versionQuery(id: string | undefined): [string, string][] {
  return id === undefined ? [] : [['versionId', id]];
}

/** An upload of the bucket if there is one, or any that there ever was. */
export function uploadOf(s3: NaiveS3, bucket: string, pick: number): MadeId | undefined {
  const own = s3.uploads.filter((upload) => upload.bucket === bucket);
  return pickOf(pick % 8 === 0 ? s3.uploads : own, pick);
}

/** What a write asks of the version that it replaces: `*`, its ETag, or that of another body. */
export interface WriteCondition {
  readonly header: 'if-match' | 'if-none-match';
  readonly of: '*' | 'current' | 'other';
}
export const writeCondition: fc.Arbitrary<WriteCondition | undefined> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(undefined) },
  {
    weight: 2,
    arbitrary: fc.record({
      header: fc.constantFrom('if-match' as const, 'if-none-match' as const),
      of: fc.constantFrom('*' as const, 'current' as const, 'other' as const),
    }),
  },
);

export function etagFor(of: WriteCondition['of'], bucket: NaiveBucket | undefined, key: string): string {
  if (of === '*') return '*';
  const current = of === 'current' && bucket !== undefined ? currentObject(bucket, key) : undefined;
  return `"${current?.etag ?? md5('nobody has this')}"`;
}

export const tagsChoice: fc.Arbitrary<readonly Tag[] | undefined> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<readonly Tag[]>(
      [],
      [['a', '1']],
      [
        ['z', 'x y'],
        ['b', '+=/'],
      ],
    ),
  },
);

export function tagsHeader(tags: readonly Tag[]): string {
  return tags.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join('&');
}

export function byKey(tags: readonly Tag[]): readonly Tag[] {
  return tags.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

export const metadataChoice = fc.constantFrom<Readonly<Record<string, string>>>(
  {},
  { 'content-type': 'text/plain' },
  { 'x-amz-meta-one': '1', 'x-amz-meta-__proto__': 'two words' },
  { 'cache-control': 'no-cache', 'content-language': 'de', expires: 'never', 'x-amz-meta-one': '2' },
  { 'x-amz-website-redirect-location': '/elsewhere', 'content-disposition': 'inline' },
);

const grant: fc.Arbitrary<Grant> = fc.tuple(
  fc.constantFrom('alice' as const, 'bob' as const, 'AllUsers' as const, 'AuthenticatedUsers' as const),
  fc.constantFrom('READ' as const, 'READ_ACP' as const, 'WRITE_ACP' as const, 'FULL_CONTROL' as const),
);
/** As the headers have them: by permission, each grantee once. */
const ORDER = ['READ', 'WRITE', 'READ_ACP', 'WRITE_ACP', 'FULL_CONTROL'];
const grants = fc
  .uniqueArray(grant, { minLength: 1, maxLength: 3, selector: ([who, what]) => `${who} ${what}` })
  .map((list) => list.toSorted(([, a], [, b]) => ORDER.indexOf(a) - ORDER.indexOf(b)));

export const aclChoice: fc.Arbitrary<AskedAcl> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .constantFrom('private', 'public-read', 'authenticated-read', 'bucket-owner-read', 'bucket-owner-full-control')
      .map((name) => ({ kind: 'canned' as const, name })),
  },
  { weight: 2, arbitrary: grants.map((list) => ({ kind: 'grants' as const, grants: list })) },
);
export const NO_ACL: AskedAcl = { kind: 'none' };
export const rareAcl: fc.Arbitrary<AskedAcl> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(NO_ACL) },
  { weight: 1, arbitrary: aclChoice },
);

export function pickOf<Item>(items: readonly Item[], pick: number): Item | undefined {
  return items.length === 0 ? undefined : items[pick % items.length];
}

export function md5(bytes: Uint8Array | string): string {
  return createHash('md5').update(bytes).digest('hex');
}

export function checksumOf(name: ChecksumName, bytes: Uint8Array): string {
  switch (name) {
    case 'SHA256':
      return createHash('sha256').update(bytes).digest('base64');
    case 'CRC32': {
      const value = Buffer.alloc(4);
      value.writeUInt32BE(crc32(bytes));
      return value.toString('base64');
    }
    case 'CRC64NVME':
      return crc64(bytes);
  }
}

export function checksumHeaders({ name, type, value }: Checksum): Record<string, string> {
  return { [`x-amz-checksum-${name.toLowerCase()}`]: value, 'x-amz-checksum-type': type };
}

const CRC64_POLYNOMIAL = 0x9a6c9329ac4bc9b5n;
const CRC64_TABLE = Array.from({ length: 256 }, (_, index) => {
  let value = BigInt(index);
  for (let bit = 0; bit < 8; bit += 1) value = value & 1n ? (value >> 1n) ^ CRC64_POLYNOMIAL : value >> 1n;
  return [Number(value >> 32n), Number(value & 0xffffffffn)] as const;
});
const crcs = new WeakMap<Uint8Array, string>();

/** Source: https://reveng.sourceforge.io/crc-catalogue/all.htm#crc.cat.crc-64-nvme */
function crc64(bytes: Uint8Array): string {
  const known = crcs.get(bytes);
  if (known !== undefined) return known;
  let [high, low] = [0xffffffff, 0xffffffff];
  for (const byte of bytes) {
    const [tableHigh, tableLow] = CRC64_TABLE[(low ^ byte) & 0xff] ?? [0, 0];
    low = ((low >>> 8) | (high << 24)) ^ tableLow;
    high = (high >>> 8) ^ tableHigh;
  }
  const value = Buffer.alloc(8);
  value.writeUInt32BE(~high >>> 0, 0);
  value.writeUInt32BE(~low >>> 0, 4);
  crcs.set(bytes, value.toString('base64'));
  return value.toString('base64');
}
