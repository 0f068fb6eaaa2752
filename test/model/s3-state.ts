import { Refused } from './s3-call.ts';

export type Tenant = 'alice' | 'bob';
export type Grantee = Tenant | 'AllUsers' | 'AuthenticatedUsers';
export type Permission = 'READ' | 'WRITE' | 'READ_ACP' | 'WRITE_ACP' | 'FULL_CONTROL';
export type Grant = readonly [Grantee, Permission];
export type Tag = readonly [key: string, value: string];
export type ChecksumName = 'CRC32' | 'CRC64NVME' | 'SHA256';

export interface Checksum {
  readonly name: ChecksumName;
  readonly type: 'FULL_OBJECT' | 'COMPOSITE';
  readonly value: string;
}

/** What a request says of the object to be, beside its bytes. */
export interface Description {
  /** What is sent back as it was sent, by lower-case name: system and user metadata. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tags: readonly Tag[];
  /** Empty: its owner's alone. */
  readonly acl: readonly Grant[];
  readonly owner: Tenant;
}

export interface NaivePart {
  readonly number: number;
  readonly body: Uint8Array;
  readonly etag: string;
  readonly modifiedMs: number;
  /** What a listing says: the value and algorithm; an upload gives the type. */
  readonly checksum: Checksum;
}

export interface ObjectDraft extends Description {
  readonly body: Uint8Array;
  readonly etag: string;
  readonly checksum: Checksum | undefined;
  /** Of a completed upload. */
  readonly parts: readonly NaivePart[] | undefined;
}

interface Made {
  readonly key: string;
  /** A label, or `null`. */
  readonly id: string;
  /** Counts what was made: newer is larger. */
  readonly order: number;
  readonly modifiedMs: number;
}

export interface NaiveObject extends ObjectDraft, Made {
  readonly kind: 'object';
}

export interface NaiveMarker extends Made {
  readonly kind: 'marker';
  readonly owner: Tenant;
}

export type NaiveVersion = NaiveObject | NaiveMarker;

export interface NaiveUpload extends Made, Description {
  /** What the client asked for. */
  readonly asked: Pick<Checksum, 'name' | 'type'> | undefined;
  readonly parts: ReadonlyMap<number, NaivePart>;
  readonly state:
    | 'open'
    | { readonly versionId: string; readonly etag: string; readonly checksum: Checksum | undefined };
}

export interface NaiveBucket {
  readonly name: string;
  readonly createdMs: number;
  versioning: 'Off' | 'Enabled' | 'Suspended';
  /** Newest first; a key without versions is not there. */
  readonly keys: Map<string, readonly NaiveVersion[]>;
  readonly uploads: Map<string, NaiveUpload>;
  acl?: readonly Grant[] | undefined;
  ownership?: string | undefined;
  block?: Readonly<Record<string, boolean>> | undefined;
  policy?: string | undefined;
  cors?: readonly CorsRule[] | undefined;
  tags?: readonly Tag[] | undefined;
  payer: 'BucketOwner' | 'Requester';
}

export interface CorsRule {
  readonly id: string;
  readonly origins: readonly string[];
  readonly methods: readonly string[];
}

/** All buckets are hers. */
export const OWNER: Tenant = 'alice';

/** An id that was made once, wherever that is by now. */
export interface MadeId extends Made {
  readonly bucket: string;
}

/**
 * S3 in maps: buckets, their keys, and of each key its versions. It knows nothing of Pithos' operations and stores; what
 * it does is written from the documentation of S3, and from that of Pithos where Pithos says that it differs.
 */
export class NaiveS3 {
  nowMs: number;
  readonly buckets = new Map<string, NaiveBucket>();
  /** Every version and upload there ever was, for requests that name what is gone or belongs elsewhere. */
  readonly versions: MadeId[] = [];
  readonly uploads: MadeId[] = [];
  /** The page that was listed last, where it can be continued. */
  continuable: { readonly bucket: string; readonly label: string; readonly marker: string } | undefined;
  #made = 0;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  label(kind: 'version' | 'upload' | 'token'): string {
    this.#made += 1;
    return `‹${kind} ${this.#made}›`;
  }

  bucket(name: string): NaiveBucket {
    const bucket = this.buckets.get(name);
    if (bucket === undefined) throw new Refused('NoSuchBucket');
    return bucket;
  }

  put(bucket: NaiveBucket, key: string, draft: ObjectDraft): NaiveObject {
    return this.#push(bucket, { ...draft, kind: 'object', ...this.#make(bucket, key) });
  }

  /** The delete that names no version: what was made, if anything. */
  deleteCurrent(bucket: NaiveBucket, key: string): NaiveMarker | undefined {
    if (bucket.versioning === 'Off') {
      bucket.keys.delete(key);
      return undefined;
    }
    return this.#push(bucket, { kind: 'marker', owner: OWNER, ...this.#make(bucket, key) });
  }

  addUpload(bucket: NaiveBucket, key: string, description: Description & Pick<NaiveUpload, 'asked'>): NaiveUpload {
    const made = { key, id: this.label('upload'), order: this.#made, modifiedMs: this.nowMs };
    const upload: NaiveUpload = { ...description, ...made, parts: new Map(), state: 'open' };
    bucket.uploads.set(upload.id, upload);
    this.uploads.push({ ...made, bucket: bucket.name });
    return upload;
  }

  /** In the null slot, where versioning is not enabled, it takes the place of what was there. */
  #push<Version extends NaiveVersion>(bucket: NaiveBucket, version: Version): Version {
    const others = versionsOf(bucket, version.key).filter(({ id }) => id !== version.id);
    bucket.keys.set(version.key, [version, ...others]);
    this.versions.push({ ...version, bucket: bucket.name });
    return version;
  }

  #make({ versioning }: NaiveBucket, key: string): Made {
    const label = this.label('version');
    return { key, id: versioning === 'Enabled' ? label : 'null', order: this.#made, modifiedMs: this.nowMs };
  }
}

export function versionsOf(bucket: NaiveBucket, key: string): readonly NaiveVersion[] {
  return bucket.keys.get(key) ?? [];
}

/** The version with this id; the current one without an id. */
export function findVersion(bucket: NaiveBucket, key: string, id: string | undefined): NaiveVersion | undefined {
  const versions = versionsOf(bucket, key);
  return id === undefined ? versions[0] : versions.find((version) => version.id === id);
}

/** The current version, unless it is a delete marker. */
export function currentObject(bucket: NaiveBucket, key: string): NaiveObject | undefined {
  const version = findVersion(bucket, key, undefined);
  return version?.kind === 'object' ? version : undefined;
}

export function removeVersion(bucket: NaiveBucket, { key, id }: Pick<NaiveVersion, 'key' | 'id'>): void {
  const rest = versionsOf(bucket, key).filter((version) => version.id !== id);
  if (rest.length === 0) bucket.keys.delete(key);
  else bucket.keys.set(key, rest);
}

export function replaceVersion(bucket: NaiveBucket, changed: NaiveObject): void {
  const versions = versionsOf(bucket, changed.key);
  bucket.keys.set(
    changed.key,
    versions.map((version) => (version.id === changed.id ? changed : version)),
  );
}
