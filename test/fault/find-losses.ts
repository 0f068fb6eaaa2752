import { contentIdOf } from './content.ts';
import type { LeftUpload, SeenVersion, VersionedKey } from './known-keys.ts';
import { type ListedVersion, listKeys, listVersions } from './listings.ts';
import { type Buckets, completeCall, type LoadClient, readPlainKey, requireStatus } from './load-client.ts';
import { S3Client, type S3Endpoint } from './s3-client.ts';

/** Reads everything that the clients have written, and says what is not as it was acknowledged: one sentence each. */
export async function findLosses(
  endpoint: S3Endpoint,
  buckets: Buckets,
  clients: readonly LoadClient[],
): Promise<string[]> {
  using s3 = new S3Client(endpoint);
  const listed = required(await listKeys(s3, { bucket: buckets.plain }));
  const versions = required(await listVersions(s3, { bucket: buckets.versioned }));
  const known = new Set(clients.flatMap(({ plainKeys }) => plainKeys.map(({ key }) => key)));
  const unknown = [...listed].filter((key) => !known.has(key)).map((key) => `${key} is listed, and was never written.`);
  const found = clients.map((client) => findLossesOf(client, { endpoint, buckets, listed, versions }));
  return [...unknown, ...(await Promise.all(found)).flat()];
}

/** Completes the uploads that were left whole, so that reading shows their bytes too. */
export async function completeLeftUploads(
  endpoint: S3Endpoint,
  { plain }: Buckets,
  { plainKeys, leftUploads }: LoadClient,
): Promise<void> {
  using s3 = new S3Client(endpoint);
  for (const upload of leftUploads.splice(0)) {
    const known = plainKeys.find(({ key }) => key === upload.key);
    if (known === undefined || upload.etags.length < 2) continue;
    const call = completeCall(plain, upload);
    requireStatus(call, await s3.ask(call), 200);
    known.settle(upload.content);
  }
}

interface Seen {
  readonly endpoint: S3Endpoint;
  readonly buckets: Buckets;
  readonly listed: ReadonlySet<string>;
  /** By key, oldest first. */
  readonly versions: ReadonlyMap<string, readonly ListedVersion[]>;
}

async function findLossesOf({ plainKeys, versionedKeys, leftUploads }: LoadClient, seen: Seen): Promise<string[]> {
  const { buckets, listed, endpoint } = seen;
  using s3 = new S3Client(endpoint);
  const losses: string[] = [];
  for (const known of plainKeys) {
    try {
      if ((await readPlainKey(s3, buckets.plain, known)) === undefined) losses.push(`${known.key} was not answered.`);
    } catch (error) {
      losses.push(String(error));
    }
    const isThere = known.object !== undefined;
    if (isThere !== listed.has(known.key))
      losses.push(`${known.key} ${isThere ? 'is there, and not' : 'is gone, and'} listed.`);
  }
  for (const known of versionedKeys) losses.push(...(await findLostVersions(s3, known, seen)));
  for (const upload of leftUploads) losses.push(...(await findLostParts(s3, buckets.plain, upload)));
  return losses;
}

async function findLostVersions(s3: S3Client, known: VersionedKey, { buckets, versions }: Seen): Promise<string[]> {
  const listed = versions.get(known.key) ?? [];
  const path = `/${buckets.versioned}/${known.key}`;
  const seen: SeenVersion[] = [];
  const losses: string[] = [];
  for (const { versionId, isMarker, isLatest } of listed) {
    if (isLatest !== (versionId === listed.at(-1)?.versionId))
      losses.push(`${known.key}: ${versionId} is not in its place.`);
    if (isMarker) {
      seen.push({ versionId, contentId: undefined });
      continue;
    }
    const call = { method: 'GET', path, query: [['versionId', versionId]] as const };
    const { status, bytes, text } = await s3.ask(call);
    if (status !== 200) losses.push(`${known.key}: ${versionId} is listed, and answered ${status}: ${text}`);
    const contentId = contentIdOf(bytes);
    const content = known.writes.find((write) => write.content?.id === contentId)?.content;
    if (content?.sizeBytes !== bytes.length || !content.has(bytes, 0))
      losses.push(`${known.key}: ${versionId} has wrong bytes.`);
    seen.push({ versionId, contentId });
  }
  const { status } = await s3.ask({ method: 'HEAD', path });
  const last = listed.at(-1);
  const isObject = last !== undefined && !last.isMarker;
  if (isObject !== (status === 200))
    losses.push(`${known.key} is answered ${status}, and its last version is ${last?.versionId}.`);
  return [...losses, ...known.findContradictions(seen)];
}

async function findLostParts(s3: S3Client, bucket: string, { key, uploadId, etags }: LeftUpload): Promise<string[]> {
  const { status, text } = await s3.ask({ method: 'GET', path: `/${bucket}/${key}`, query: [['uploadId', uploadId]] });
  if (status !== 200) return [`The upload ${uploadId} of ${key} is answered ${status}: ${text}`];
  const listed = [...text.matchAll(/<ETag>(?:&quot;|")([0-9a-f]+)/g)].map(([, etag]) => `"${etag}"`);
  const isWhole = etags.every((etag, index) => listed[index] === etag);
  return isWhole ? [] : [`The upload ${uploadId} of ${key} has lost a part: ${listed.join()} for ${etags.join()}.`];
}

function required<T>(listing: T | undefined): T {
  if (listing === undefined) throw new Error('A listing was not answered.');
  return listing;
}
