/** The checksums that can be computed for a whole from the checksums of its parts. */
export type CrcAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME';

/** A CRC as two unsigned halves; a CRC of 32 bits stands in `low` alone. */
export interface CrcValue {
  readonly high: number;
  readonly low: number;
}

/** The CRC of a piece of a larger whole, and the length of that piece in bytes. */
export interface CrcPiece {
  readonly crc: CrcValue;
  readonly sizeBytes: number;
}

/**
 * The CRC of the concatenation of `pieces`, in their order, without reading any byte of them.
 *
 * A CRC is a remainder of polynomials over GF(2): appending n bytes multiplies it by x^8n, modulo the polynomial, and
 * adds the CRC of what was appended. Here a value's highest bit is the coefficient of x^0, as reflected CRCs have it.
 * Cost: for each change of `sizeBytes` one multiplication per bit set in it, for each piece one more (about 0.3 µs).
 */
export function combineCrcPieces(algorithm: CrcAlgorithm, pieces: Iterable<CrcPiece>): CrcValue {
  const field = FIELDS[algorithm];
  let whole = ZERO;
  let shift = { sizeBytes: 0, factor: field.one };
  for (const { crc, sizeBytes } of pieces) {
    if (sizeBytes !== shift.sizeBytes) shift = { sizeBytes, factor: powerOfX(field, sizeBytes) };
    const shifted = field.multiply(shift.factor, whole);
    whole = { high: (shifted.high ^ crc.high) >>> 0, low: (shifted.low ^ crc.low) >>> 0 };
  }
  return whole;
}

/** Polynomials over GF(2) modulo the polynomial of one CRC. */
interface Field {
  readonly one: CrcValue;
  multiply(a: CrcValue, b: CrcValue): CrcValue;
  /** x^(8·2^n) at index n, for lengths up to 2^53 bytes. */
  readonly powers: readonly CrcValue[];
}

/** Number of bits in the largest length, a safe integer. */
const LENGTH_BITS = 53;
const ZERO: CrcValue = { high: 0, low: 0 };
const TOP_BIT = 0x80000000;

const FIELDS: Readonly<Record<CrcAlgorithm, Field>> = {
  CRC32: field({ high: 0, low: TOP_BIT }, (a, b) => multiply32(a.low, b.low, 0xedb88320)),
  CRC32C: field({ high: 0, low: TOP_BIT }, (a, b) => multiply32(a.low, b.low, 0x82f63b78)),
  CRC64NVME: field({ high: TOP_BIT, low: 0 }, (a, b) => multiply64(a, b, { high: 0x9a6c9329, low: 0xac4bc9b5 })),
};

function field(one: CrcValue, multiply: Field['multiply']): Field {
  // One bit to the right is a multiplication by x, so this is x^8.
  let power: CrcValue = one.high === 0 ? { high: 0, low: one.low >>> 8 } : { high: one.high >>> 8, low: 0 };
  const powers: CrcValue[] = [];
  for (let bit = 0; bit < LENGTH_BITS; bit += 1) {
    powers.push(power);
    power = multiply(power, power);
  }
  return { one, multiply, powers };
}

/** x^(8·sizeBytes). */
function powerOfX({ one, multiply, powers }: Field, sizeBytes: number): CrcValue {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw new RangeError(`No length in bytes: ${sizeBytes}`);
  let product = one;
  let rest = sizeBytes;
  for (const power of powers) {
    if (rest % 2 === 1) product = multiply(product, power);
    rest = Math.floor(rest / 2);
    if (rest === 0) break;
  }
  return product;
}

function multiply32(a: number, b: number, polynomial: number): CrcValue {
  let product = 0;
  let addend = b;
  for (let bit = TOP_BIT; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= addend;
    addend = (addend >>> 1) ^ ((addend & 1) === 0 ? 0 : polynomial);
  }
  return { high: 0, low: product >>> 0 };
}

function multiply64(a: CrcValue, b: CrcValue, polynomial: CrcValue): CrcValue {
  let [high, low] = [0, 0];
  let { high: addendHigh, low: addendLow } = b;
  for (const half of [a.high, a.low]) {
    for (let bit = TOP_BIT; bit !== 0; bit >>>= 1) {
      if ((half & bit) !== 0) {
        high ^= addendHigh;
        low ^= addendLow;
      }
      const overflows = (addendLow & 1) !== 0;
      addendLow = (addendLow >>> 1) | (addendHigh << 31);
      addendHigh >>>= 1;
      if (overflows) {
        addendHigh ^= polynomial.high;
        addendLow ^= polynomial.low;
      }
    }
  }
  return { high: high >>> 0, low: low >>> 0 };
}
