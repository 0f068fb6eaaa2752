import { isDeepStrictEqual } from 'node:util';
import { crc32c } from '@node-rs/crc32';
import { parseETag } from '../../../src/domain/etag.ts';
import { parseBlobId, parseStorageClass, parseTenantId, parseUploadId } from '../../../src/domain/names.ts';
import { parseOpId } from '../../../src/stores/cassandra/context.ts';
import { decodeKeyHead, encodeKeyHead, type KeyHead, NO_KEY } from '../../../src/stores/cassandra/key-head.ts';
import type { VersionRecord } from '../../../src/stores/cassandra/version-rows.ts';
import { decodeRecord, encodeRecord } from '../../../src/stores/embedded/blob-rows.ts';
import {
  decodeManifestHead,
  decodeManifestParts,
  encodeManifestHead,
  encodeManifestParts,
} from '../../../src/stores/embedded/manifest-rows.ts';
import { decodePart, decodeUpload } from '../../../src/stores/embedded/upload-rows.ts';
import { StoreError } from '../../../src/stores/store.ts';
import type { Dice } from '../dice.ts';
import { attempt, demand, type FuzzTarget } from '../fuzz-target.ts';
import { mutate } from '../mutate.ts';

type Decode = (row: Buffer) => unknown;

/** How each kind of row is read. */
const DECODERS: Readonly<Record<string, Decode>> = {
  'key-head': decodeKeyHead,
  'blob-record': decodeRecord,
  'manifest-head': decodeManifestHead,
  'manifest-parts': decodeManifestParts,
  part: decodePart,
  upload: decodeUpload,
};
const CHECKSUM_BYTES = 4;
/** Few enough bits for CRC32C to see every one of such changes in a row of this length. */
const FLIPS_MAX = 3;

/**
 * Rows with up to three bits turned over, which are `corrupt`; and rows of any bytes whose checksum was made to fit,
 * which are `corrupt` or a value. An input is the kind, what is done, and the bytes.
 */
export function storedRows(decoders: Readonly<Record<string, Decode>> = DECODERS): FuzzTarget {
  return {
    name: 'stored-rows',
    make(dice) {
      const [kind, row] = makeRow(dice);
      const bytes = row.toString('latin1');
      if (dice.chance(0.5))
        return `${kind} flipped ${dice.some(FLIPS_MAX, () => dice.below(row.length * 8)).join(',')}\n${bytes}`;
      const name = dice.chance(0.5) ? kind : dice.pick(Object.keys(DECODERS));
      const content = bytes.slice(0, -CHECKSUM_BYTES);
      return `${name} summed\n${content.slice(0, 1)}${dice.chance(0.8) ? mutate(dice, content.slice(1)) : dice.pick(['\u0080', '\u00ff']).repeat(dice.below(300))}`;
    },
    async check(input) {
      const end = input.indexOf('\n');
      const [kind = '', change = '', bits = ''] = input.slice(0, Math.max(end, 0)).split(' ');
      const decode = Object.hasOwn(decoders, kind) ? decoders[kind] : undefined;
      if (decode === undefined) return;
      const row = Buffer.from(input.slice(end + 1), 'latin1');
      if (change === 'summed') {
        await attempt(() => decode(withChecksum(row)), isCorrupt);
      } else {
        const right = await attempt(() => decode(Buffer.from(row)), isCorrupt);
        if (right === undefined) return;
        const changed = Buffer.from(row);
        for (const bit of bits.split(',').filter(Boolean).map(Number)) flip(changed, bit);
        const read = await attempt(() => decode(Buffer.from(changed)), isCorrupt);
        demand(
          changed.equals(row) ? isDeepStrictEqual(read, right) : read === undefined,
          'A row with a flipped bit was read.',
        );
      }
    },
  };
}

function isCorrupt(error: unknown): boolean {
  return error instanceof StoreError && error.kind === 'corrupt';
}

function flip(bytes: Buffer, bit: number): void {
  const at = Math.floor(bit / 8);
  if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit % 8));
}

function withChecksum(content: Buffer): Buffer {
  const sum = Buffer.alloc(CHECKSUM_BYTES);
  sum.writeUInt32LE(crc32c(content));
  return Buffer.concat([content, sum]);
}

function makeRow(dice: Dice): readonly [kind: string, row: Buffer] {
  const blob = { id: parseBlobId(hex(dice, 32)), storageClass: STANDARD, sizeBytes: dice.below(2 ** 40) };
  switch (dice.below(4)) {
    case 0:
      return ['key-head', encodeKeyHead(makeHead(dice))];
    case 1:
      return [
        'blob-record',
        encodeRecord({ kind: 'reclaimable', atMs: dice.below(2 ** 41), storageClass: STANDARD, sizeBytes: 5 }),
      ];
    case 2:
      return [
        'manifest-head',
        encodeManifestHead({
          releasedAtMs: dice.chance(0.5) ? 7 : undefined,
          rows: dice.some(5, () => ({ partNumber: 1, offsetBytes: dice.below(2 ** 40) })),
        }),
      ];
    default:
      return [
        'manifest-parts',
        encodeManifestParts(
          dice.some(5, () => ({
            partNumber: 1 + dice.below(10_000),
            offsetBytes: 0,
            sizeBytes: 9,
            checksum: undefined,
            body: dice.chance(0.3) ? undefined : blob,
          })),
        ),
      ];
  }
}

function makeHead(dice: Dice): KeyHead {
  const op = () => parseOpId(hex(dice, 16));
  const current: VersionRecord = {
    kind: 'object',
    order: dice.below(2 ** 40),
    op: op(),
    isNull: dice.chance(0.5),
    lastModifiedMs: dice.below(2 ** 41),
    owner: { tenant: parseTenantId('tenant'), displayName: dice.bytes(8) },
    etag: ETAG,
    sizeBytes: dice.below(2 ** 40),
    storageClass: STANDARD,
    checksum: undefined,
    headers: { contentType: 'text/plain' },
    userMetadata: dice.some(3, () => ['name', dice.bytes(8)] as const),
    attributes: { acl: [], tags: [], retention: undefined, legalHold: false },
    body: { kind: 'inline', bytes: Buffer.from(dice.bytes(40), 'latin1') },
    attributesRevision: 1,
  };
  const completion = () => ({ uploadId: parseUploadId(hex(dice, 32)), op: op(), order: 3, isNull: false });
  return {
    ...NO_KEY.head,
    current: dice.chance(0.8) ? current : undefined,
    applied: dice.some(4, op),
    completions: dice.some(2, completion),
  };
}

function hex(dice: Dice, digits: number): string {
  return Array.from({ length: digits }, () => dice.below(16).toString(16)).join('');
}

const STANDARD = must(parseStorageClass('STANDARD'));
const ETAG = must(parseETag('d41d8cd98f00b204e9800998ecf8427e'));

function must<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError('The fuzzer needs a value here.');
  return value;
}
