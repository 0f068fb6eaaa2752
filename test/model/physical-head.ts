import type { Head } from '../../src/stores/cassandra/cells.ts';

const NONCE_BYTES = 8;
const SEQUENCE_BYTES = 8;

/** A head as it stands in its one cell: with its sequence, and with the nonce of the transaction that wrote it. */
export interface PhysicalHead extends Head {
  readonly nonce: number;
}

/** The sequence comes first, so that of two first heads at one timestamp the same wins in both cells. */
export function encodeHead({ sequence, nonce, value }: PhysicalHead): Uint8Array {
  const cell = Buffer.alloc(SEQUENCE_BYTES + NONCE_BYTES + value.length);
  cell.writeBigInt64BE(BigInt(sequence));
  cell.writeBigUInt64BE(BigInt(nonce), SEQUENCE_BYTES);
  cell.set(value, SEQUENCE_BYTES + NONCE_BYTES);
  return new Uint8Array(cell);
}

export function decodeHead(cell: Uint8Array): PhysicalHead {
  const bytes = Buffer.from(cell);
  return {
    sequence: Number(bytes.readBigInt64BE()),
    nonce: Number(bytes.readBigUInt64BE(SEQUENCE_BYTES)),
    value: new Uint8Array(bytes.subarray(SEQUENCE_BYTES + NONCE_BYTES)),
  };
}

export function encodeSequence(sequence: number): Uint8Array {
  const cell = Buffer.alloc(SEQUENCE_BYTES);
  cell.writeBigInt64BE(BigInt(sequence));
  return new Uint8Array(cell);
}

export function decodeSequence(cell: Uint8Array): number {
  return Number(Buffer.from(cell).readBigInt64BE());
}
