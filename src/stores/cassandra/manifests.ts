import type { ManifestId, ManifestPart } from '../../domain/object-version.ts';
import { readBlob, readChecksum, writeBlob, writeChecksum } from '../rows/description-rows.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import type { CallOptions } from '../store.ts';
import type { Key, RowChange, SliceBound } from './cells.ts';
import type { Context } from './context.ts';
import { bufferOf } from './key-head.ts';
import { MANIFEST } from './tables.ts';

/** A part of a manifest, and the name by which it holds its blob. */
export interface HeldPart extends ManifestPart {
  readonly holder: string;
}

const BY_NUMBER = 'number';
const BY_OFFSET = 'offset';
const WRITTEN = 1;
const DELETED = 2;
/** Parts of one write and of one read. */
const WRITE_PARTS = 100;
const PAGE_PARTS = 1_000;
const ABSENT = 0;
const PRESENT = 1;

/** The parts of completed uploads, written once, each under its number and under its offset. */
export class Manifests {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async write(id: ManifestId, parts: readonly HeldPart[], options: CallOptions): Promise<void> {
    for (let start = 0; start < parts.length; start += WRITE_PARTS) {
      const rows = parts.slice(start, start + WRITE_PARTS).flatMap(rowsOf);
      await this.#context.cells.write(MANIFEST, this.#partition(id), rows, { timestamp: WRITTEN }, options);
    }
  }

  async delete(id: ManifestId, options: CallOptions): Promise<void> {
    await this.#context.cells.deletePartition(MANIFEST, this.#partition(id), { timestamp: DELETED }, options);
  }

  async read(
    id: ManifestId,
    from: { readonly offsetBytes: number } | { readonly partNumber: number },
    limit: number,
    options: CallOptions,
  ): Promise<readonly HeldPart[]> {
    const first = 'partNumber' in from ? from.partNumber : await this.#numberAt(id, from.offsetBytes, options);
    if (first === undefined) return [];
    const isReached = (part: HeldPart): boolean =>
      'partNumber' in from || part.offsetBytes + part.sizeBytes > from.offsetBytes;
    const parts: HeldPart[] = [];
    let start: SliceBound = { key: [BY_NUMBER, first], isInclusive: true };
    while (parts.length < limit) {
      const count = Math.min(PAGE_PARTS, limit - parts.length);
      const slice = { from: start, to: { key: [BY_NUMBER], isInclusive: true }, limit: count };
      const rows = await this.#context.cells.readRows(MANIFEST, this.#partition(id), slice, options);
      parts.push(...rows.map(({ value }) => decodePart(value)).filter(isReached));
      const last = rows.at(-1);
      if (last === undefined || rows.length < count) break;
      start = { key: last.key, isInclusive: false };
    }
    return parts;
  }

  /** The number of the part with this byte. */
  async #numberAt(id: ManifestId, offsetBytes: number, options: CallOptions): Promise<number | undefined> {
    if (offsetBytes === 0) return 0;
    const slice = {
      from: { key: [BY_OFFSET], isInclusive: true },
      to: { key: [BY_OFFSET, offsetBytes], isInclusive: true },
      limit: 1,
      isReverse: true,
    };
    const [row] = await this.#context.cells.readRows(MANIFEST, this.#partition(id), slice, options);
    return row === undefined ? undefined : new RowReader(bufferOf(row.value)).integer();
  }

  #partition(id: ManifestId): Key {
    return [this.#context.store, id];
  }
}

function rowsOf(part: HeldPart): readonly RowChange[] {
  const byNumber = { key: [BY_NUMBER, part.partNumber], value: encodePart(part) };
  // A part without bytes begins where the next one does, and no byte is in it.
  if (part.sizeBytes === 0) return [byNumber];
  const number = new RowWriter().integer(part.partNumber).finish();
  return [byNumber, { key: [BY_OFFSET, part.offsetBytes], value: number }];
}

function encodePart({ partNumber, offsetBytes, sizeBytes, checksum, body, holder }: HeldPart): Buffer {
  const row = new RowWriter().integer(partNumber).integer(offsetBytes).integer(sizeBytes).text(holder);
  writeChecksum(row, checksum);
  if (body === undefined) return row.byte(ABSENT).finish();
  writeBlob(row.byte(PRESENT), body);
  return row.finish();
}

function decodePart(value: Uint8Array): HeldPart {
  const row = new RowReader(bufferOf(value));
  const partNumber = row.integer();
  const offsetBytes = row.integer();
  const sizeBytes = row.integer();
  const holder = row.text();
  const checksum = readChecksum(row);
  const body = row.byte() === ABSENT ? undefined : readBlob(row);
  return { partNumber, offsetBytes, sizeBytes, checksum, body, holder };
}
