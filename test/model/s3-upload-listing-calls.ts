import fc from 'fast-check';
import { isoTime, ownerXml } from './s3-bucket-calls.ts';
import { type S3Call, succeed } from './s3-call.ts';
import { bucketName, uploadOf } from './s3-choices.ts';
import type { Plan } from './s3-command.ts';
import {
  encoder,
  ITEMS_MAX,
  type Listing,
  listing,
  marked,
  optional,
  pageXml,
  queryOf,
  requestOf,
  rowsOf,
} from './s3-listing.ts';
import { requireUpload, sortedParts } from './s3-multipart-calls.ts';
import { compareBytes, type NaivePage, pageOf } from './s3-pages.ts';
import { type NaiveS3, type NaiveUpload, OWNER } from './s3-state.ts';
import type { Xml } from './s3-xml.ts';

/** Listings of uploads, and of the parts of one. */
export const uploadListingCalls: readonly fc.WeightedArbitrary<Plan>[] = [
  {
    weight: 4,
    arbitrary: listing.map(
      (choice): Plan =>
        (s3) =>
          listUploads(s3, choice),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        bucket: bucketName,
        pick: fc.nat(40),
        max: fc.constantFrom(undefined, 0, 1, 2, 2000),
        marker: fc.constantFrom(undefined, 0, 1, 2, 9_999, 10_000),
      })
      .map(
        (choice): Plan =>
          (s3) =>
            listParts(s3, choice),
      ),
  },
];

function listUploads(s3: NaiveS3, choice: Listing): S3Call {
  const text = encoder(choice);
  const at = choice.pick % 3 === 0 ? undefined : uploadOf(s3, choice.bucket, choice.pick);
  const keyMarker = choice.marker === undefined ? undefined : (at?.key ?? choice.marker);
  const query = [
    ...marked(['uploads', '']),
    ...queryOf(choice, 'max-uploads'),
    ...marked(['key-marker', keyMarker], ['upload-id-marker', at?.id]),
  ];
  return {
    request: { method: 'GET', bucket: choice.bucket, query },
    answer() {
      const bucket = s3.bucket(choice.bucket);
      const open = [...bucket.uploads.values()].filter(({ state }) => state === 'open');
      const isBehind = ({ key, order }: NaiveUpload) =>
        compareBytes(key, keyMarker ?? '') > 0 || (key === keyMarker && at !== undefined && order > at.order);
      const marker = keyMarker === undefined ? undefined : { key: keyMarker, isBehind };
      const page = pageOf(
        open.toSorted((a, b) => a.order - b.order),
        requestOf(choice),
        marker,
      );
      return succeed(200, {}, [
        'ListMultipartUploadsResult',
        [
          ['Bucket', bucket.name],
          ['KeyMarker', text(keyMarker ?? '')],
          ['UploadIdMarker', keyMarker === undefined ? '' : (at?.id ?? '')],
          ...nextUploadXml(page, text),
          ...pageXml(choice, page, 'MaxUploads'),
          ...rowsOf(page).map(
            (upload): Xml => [
              'Upload',
              [['Key', text(upload.key)], ...uploadXml(upload), ['Initiated', isoTime(upload.modifiedMs)]],
            ],
          ),
        ],
      ]);
    },
  };
}

/** Next markers are sent where nothing follows, too. */
function nextUploadXml({ last, isTruncated }: NaivePage<NaiveUpload>, text: (key: string) => string): readonly Xml[] {
  const prefix = last?.kind === 'prefix' && isTruncated ? last.prefix : '';
  return [
    ['NextKeyMarker', text(last?.kind === 'row' ? last.row.key : prefix)],
    ['NextUploadIdMarker', last?.kind === 'row' ? last.row.id : ''],
  ];
}

function uploadXml({ id, owner, asked }: NaiveUpload): readonly Xml[] {
  return [
    ['UploadId', id],
    ownerXml('Initiator', OWNER),
    ownerXml('Owner', owner),
    ['StorageClass', 'STANDARD'],
    ...optional('ChecksumAlgorithm', asked?.name),
    ...optional('ChecksumType', asked?.type),
  ];
}

function listParts(
  s3: NaiveS3,
  choice: {
    readonly bucket: string;
    readonly pick: number;
    readonly max: number | undefined;
    readonly marker: number | undefined;
  },
): S3Call | undefined {
  const target = uploadOf(s3, choice.bucket, choice.pick);
  if (target === undefined) return undefined;
  const query = marked(
    ['uploadId', target.id],
    ['max-parts', choice.max?.toString()],
    ['part-number-marker', choice.marker?.toString()],
  );
  return {
    request: { method: 'GET', bucket: choice.bucket, key: target.key, query },
    answer() {
      const bucket = s3.bucket(choice.bucket);
      const upload = requireUpload(bucket, target);
      const max = Math.min(choice.max ?? ITEMS_MAX, ITEMS_MAX);
      const behind = sortedParts(upload).filter(({ number }) => number > (choice.marker ?? 0));
      const page = behind.slice(0, max);
      return succeed(200, {}, [
        'ListPartsResult',
        [
          ['Bucket', bucket.name],
          ['Key', upload.key],
          ...uploadXml(upload),
          ['PartNumberMarker', String(choice.marker ?? 0)],
          ['NextPartNumberMarker', String(page.at(-1)?.number ?? 0)],
          ['MaxParts', String(max)],
          ['IsTruncated', String(max > 0 && behind.length > max)],
          ...page.map(
            (part): Xml => [
              'Part',
              [
                ['PartNumber', String(part.number)],
                ['LastModified', isoTime(part.modifiedMs)],
                ['ETag', `"${part.etag}"`],
                ['Size', String(part.body.length)],
                [`Checksum${part.checksum.name}`, part.checksum.value],
              ],
            ],
          ),
        ],
      ]);
    },
  };
}
