import { parseETag } from '../src/domain/etag.ts';
import { parseObjectKey, parseStorageClass, parseTenantId } from '../src/domain/names.ts';
import { DEFAULT_ATTRIBUTES } from '../src/domain/object-version.ts';
import type { VersionDraft } from '../src/stores/metastore.ts';

/** An object as a small put leaves it. */
export function draftOf(key: string, bytes: Uint8Array): VersionDraft {
  return {
    key: must(parseObjectKey(key)),
    slot: 'null',
    lastModifiedMs: Date.now(),
    etag: must(parseETag('d41d8cd98f00b204e9800998ecf8427e')),
    sizeBytes: bytes.length,
    checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'AAAAAAAAAAA=' },
    body: { kind: 'inline', bytes },
    headers: { contentType: 'application/octet-stream' },
    userMetadata: [['mtime', '1700000000.0']],
    storageClass: must(parseStorageClass('STANDARD')),
    owner: { tenant: parseTenantId('tenant'), displayName: 'tenant' },
    attributes: DEFAULT_ATTRIBUTES,
  };
}

export function must<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('A name of the bench is not valid.');
  return value;
}
