import { drive, type Operation } from './drive.ts';
import { document, type Place, textOf } from './place.ts';
import type { Workload } from './workload.ts';

const MIB = 1024 ** 2;
const ETAG_HEADER = /\r\netag: *([^\r\n]+)/i;
/** Uploads go to so many keys, in turn. */
const KEYS_COUNT = 16;

/** What uploads are of. S3 takes no smaller part than 5 MiB but for the last one. */
export interface MultipartLoad {
  readonly partsCount: number;
  readonly partBytes: number;
  readonly clientsCount: number;
}

export const MULTIPART_LOAD: MultipartLoad = { partsCount: 2, partBytes: 5 * MIB, clientsCount: 4 };

/** Whole uploads in parts: one operation begins an upload, puts its parts one after the other, and completes it. */
export function multipartWorkload(load: MultipartLoad): Workload {
  const { partsCount, partBytes, clientsCount } = load;
  return {
    name: 'multipart',
    title: `multipart ${partsCount} x ${partBytes / MIB} MiB`,
    unit: 'bytes',
    clientsCount,
    writes: true,
    fill: async () => undefined,
    operations: async (place) => uploads(place, load),
    async check(place, { signal }) {
      await drive(place, [download(place, load)], { clientsCount: 1, signal });
    },
  };
}

function* uploads(place: Place, load: MultipartLoad): Generator<Operation> {
  for (let index = 0; ; index = (index + 1) % KEYS_COUNT) yield upload(place, { ...load, key: keyOf(index) });
}

function upload(place: Place, { partsCount, partBytes, key }: MultipartLoad & { readonly key: string }): Operation {
  return async (connection) => {
    const begun = await place.ask(connection, { method: 'POST', key, query: { uploads: '' } });
    const uploadId = textOf(begun, 'UploadId');
    const rows: string[] = [];
    for (let partNumber = 1; partNumber <= partsCount; partNumber++) {
      const query = { partNumber: `${partNumber}`, uploadId };
      const request = place.prepare({ method: 'PUT', key, query, body: place.bodies.of(partBytes, partNumber) });
      const { head } = await place.exchange(connection, { request, status: 200 });
      const etag = ETAG_HEADER.exec(head)?.[1] ?? '';
      rows.push(`<Part><PartNumber>${partNumber}</PartNumber><ETag>${etag}</ETag></Part>`);
    }
    const body = document(`<CompleteMultipartUpload>${rows.join('')}</CompleteMultipartUpload>`);
    // An error may come after a status of 200, too.
    const completed = await place.ask(connection, { method: 'POST', key, query: { uploadId }, body });
    if (completed.name !== 'CompleteMultipartUploadResult') {
      throw place.wrong(`the upload of ${key} was not completed: ${textOf(completed, 'Code')}`);
    }
    return partsCount * partBytes;
  };
}

/** Reads what the first upload made and compares it. */
function download(place: Place, { partsCount, partBytes }: MultipartLoad): Operation {
  const parts = Array.from({ length: partsCount }, (_, index) => place.bodies.of(partBytes, index + 1).bytes);
  const expected = Buffer.concat(parts);
  const request = place.prepare({ method: 'GET', key: keyOf(0) });
  return async (connection) => {
    await place.exchange(connection, { request, status: 200, expected });
    return expected.length;
  };
}

function keyOf(index: number): string {
  return `multipart/${String(index).padStart(6, '0')}`;
}
