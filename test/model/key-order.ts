import type { Key, KeyColumn, KeyValue } from '../../src/stores/cassandra/cells.ts';

/** Sorts after every character that an encoded key has. */
export const AFTER_ALL = '\uffff';

/**
 * A key, or its first columns, as a text that sorts by code units as Cassandra sorts the key: text and blobs by their
 * bytes, bigints by size. The text of the first columns is a prefix of that of the whole key.
 */
export function encodeKey(columns: readonly KeyColumn[], key: Key): string {
  if (key.length > columns.length) throw new TypeError(`A key of ${columns.length} columns got ${key.length} values.`);
  return key.map((value, index) => encodeValue(columns[index], value)).join('');
}

function encodeValue(column: KeyColumn | undefined, value: KeyValue): string {
  if (typeof value === 'number') {
    if (column?.type !== 'bigint' || !Number.isSafeInteger(value)) throw mismatch(column, value);
    const shifted = BigInt(value) + 2n ** 63n;
    return shifted.toString(16).padStart(16, '0');
  }
  if (column?.type !== (typeof value === 'string' ? 'text' : 'blob')) throw mismatch(column, value);
  const bytes =
    typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.buffer, value.byteOffset, value.length);
  return `${bytes.toString('latin1').replaceAll('\0', '\0\u00ff')}\0\0`;
}

function mismatch(column: KeyColumn | undefined, value: KeyValue): TypeError {
  return new TypeError(`The ${column?.type} column ${column?.name} cannot hold ${String(value)}.`);
}
