import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from '../../domain/checksum.ts';
import type { UploadChecksum } from '../../domain/upload.ts';
import { CHECKSUM_TYPES, readChoice, writeChoice } from './description-rows.ts';
import type { RowReader, RowWriter } from './row-codec.ts';

const ABSENT = 0;
const PRESENT = 1;

export function writeUploadChecksum(row: RowWriter, checksum: UploadChecksum | undefined): void {
  if (checksum === undefined) {
    row.byte(ABSENT);
    return;
  }
  row.byte(PRESENT);
  writeChoice(row, CHECKSUM_ALGORITHMS, checksum.algorithm);
  writeChoice(row, CHECKSUM_TYPES, checksum.type);
  row.byte(checksum.requested ? PRESENT : ABSENT);
}

export function readUploadChecksum(row: RowReader): UploadChecksum | undefined {
  if (row.byte() === ABSENT) return undefined;
  return {
    algorithm: readChoice<ChecksumAlgorithm>(row, CHECKSUM_ALGORITHMS),
    type: readChoice(row, CHECKSUM_TYPES),
    requested: row.byte() === PRESENT,
  };
}
