import type { S3Call, S3Client } from './s3-client.ts';

const PLAIN_ROW = /<Contents><Key>([^<]+)</g;
const VERSION_ROW = /<(Version|DeleteMarker)>(.*?)<\/\1>/g;

/** The keys of a bucket that begin with `prefix`; all of them without it. */
export interface ListedRange {
  readonly bucket: string;
  readonly prefix?: string;
}

export interface ListedVersion {
  readonly versionId: string;
  readonly isMarker: boolean;
  readonly isLatest: boolean;
}

/** All keys of a range, page by page; `undefined` where a page was not answered. Throws for any answer but a success. */
export async function listKeys(
  s3: S3Client,
  { bucket, prefix = '' }: ListedRange,
): Promise<ReadonlySet<string> | undefined> {
  const keys = new Set<string>();
  for (let token: string | undefined = ''; token !== undefined; ) {
    const more: readonly (readonly [string, string])[] = token === '' ? [] : [['continuation-token', token]];
    const text = await readPage(s3, bucket, [['list-type', '2'], ['prefix', prefix], ...more]);
    if (text === undefined) return undefined;
    for (const [, key = ''] of text.matchAll(PLAIN_ROW)) keys.add(key);
    token = elementOf(text, 'NextContinuationToken');
  }
  return keys;
}

/** All versions of a range by key, oldest first; `undefined` where a page was not answered. */
export async function listVersions(
  s3: S3Client,
  { bucket, prefix = '' }: ListedRange,
): Promise<ReadonlyMap<string, readonly ListedVersion[]> | undefined> {
  const versions = new Map<string, ListedVersion[]>();
  for (let marker: readonly (readonly [string, string])[] | undefined = []; marker !== undefined; ) {
    const text = await readPage(s3, bucket, [['versions', ''], ['prefix', prefix], ...marker]);
    if (text === undefined) return undefined;
    for (const [, kind, row = ''] of text.matchAll(VERSION_ROW)) {
      const key = elementOf(row, 'Key') ?? '';
      const version = {
        versionId: elementOf(row, 'VersionId') ?? '',
        isMarker: kind === 'DeleteMarker',
        isLatest: elementOf(row, 'IsLatest') === 'true',
      };
      versions.set(key, [version, ...(versions.get(key) ?? [])]);
    }
    const key = elementOf(text, 'NextKeyMarker');
    const versionId = elementOf(text, 'NextVersionIdMarker');
    const next = [
      ['key-marker', key ?? ''],
      ['version-id-marker', versionId ?? ''],
    ] as const;
    marker = key === undefined ? undefined : next;
  }
  return versions;
}

async function readPage(s3: S3Client, bucket: string, query: S3Call['query'] = []): Promise<string | undefined> {
  const call: S3Call = { method: 'GET', path: `/${bucket}`, query };
  const answer = await s3.send(call);
  if (answer !== undefined && answer.status !== 200)
    throw new Error(`The listing of ${bucket} was answered ${answer.status}: ${answer.text}`);
  return answer?.text;
}

function elementOf(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1];
}
