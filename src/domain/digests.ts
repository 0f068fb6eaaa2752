import { createHash, hash } from 'node:crypto';
import { crc32, crc32c } from '@node-rs/crc32';
import { createCRC64, createXXHash3, createXXHash64, createXXHash128, type IHasher } from 'hash-wasm';
import type { ChecksumAlgorithm } from './checksum.ts';
import { type CrcAlgorithm, type CrcValue, combineCrcPieces } from './crc-combine.ts';

/** A checksum in the making. `digest` ends it: neither method may be called afterwards. */
export interface Digest {
  update(bytes: Uint8Array): void;
  /** The checksum in base64, as S3 writes it; CRCs and XXHashes with their highest byte first. */
  digest(): string;
}

/** The checksum of a part of an upload. */
export interface PartChecksum {
  readonly checksum: string;
  readonly sizeBytes: number;
}

/** The polynomial of CRC-64/NVME, reflected. Source: NVM Command Set Specification 1.0d, 5.2.1.3.4. */
const CRC64NVME_POLYNOMIAL = '9a6c9329ac4bc9b5';

const CHECKSUM_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
  MD5: 16,
  SHA512: 64,
  XXHASH64: 8,
  XXHASH3: 8,
  XXHASH128: 16,
};

/** A digest that takes bytes piece by piece, for bodies that stream; any number may be open at once. */
export function createDigest(algorithm: ChecksumAlgorithm): Digest {
  switch (algorithm) {
    case 'CRC32':
      return new Crc32Digest(crc32);
    case 'CRC32C':
      return new Crc32Digest(crc32c);
    case 'CRC64NVME':
    case 'XXHASH64':
    case 'XXHASH3':
    case 'XXHASH128':
      return new SharedDigest(SHARED[algorithm]);
    case 'SHA1':
      return new HashDigest('sha1');
    case 'SHA256':
      return new HashDigest('sha256');
    case 'SHA512':
      return new HashDigest('sha512');
    case 'MD5':
      return new HashDigest('md5');
  }
}

/** The checksum of `bytes` in base64, as S3 writes it. */
export function checksumOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array): string {
  switch (algorithm) {
    case 'CRC32':
      return base64OfCrc32(crc32(bytes));
    case 'CRC32C':
      return base64OfCrc32(crc32c(bytes));
    case 'CRC64NVME':
    case 'XXHASH64':
    case 'XXHASH3':
    case 'XXHASH128': {
      const digest = new SharedDigest(SHARED[algorithm]);
      digest.update(bytes);
      return digest.digest();
    }
    case 'SHA1':
      return hash('sha1', bytes, 'base64');
    case 'SHA256':
      return hash('sha256', bytes, 'base64');
    case 'SHA512':
      return hash('sha512', bytes, 'base64');
    case 'MD5':
      return hash('md5', bytes, 'base64');
  }
}

/** Length of a decoded checksum, in bytes. */
export function checksumBytes(algorithm: ChecksumAlgorithm): number {
  return CHECKSUM_BYTES[algorithm];
}

/** The checksum in `text`, or `undefined` where that is not the base64, padded, of exactly as many bytes as it has. */
export function parseChecksumValue(algorithm: ChecksumAlgorithm, text: string): string | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === CHECKSUM_BYTES[algorithm] && bytes.toString('base64') === text ? text : undefined;
}

/** The COMPOSITE checksum of an upload: the checksum of its parts' checksums, and their number. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, partChecksums: readonly string[]): string {
  const bytes = Buffer.concat(partChecksums.map((checksum) => Buffer.from(checksum, 'base64')));
  return `${checksumOf(algorithm, bytes)}-${partChecksums.length}`;
}

/** The FULL_OBJECT checksum of an upload: that of the concatenation of `parts`, without reading their bytes. */
export function combineCrc(algorithm: CrcAlgorithm, parts: readonly PartChecksum[]): string {
  const pieces = parts.map(({ checksum, sizeBytes }) => ({ crc: parseCrcValue(algorithm, checksum), sizeBytes }));
  const { high, low } = combineCrcPieces(algorithm, pieces);
  if (algorithm !== 'CRC64NVME') return base64OfCrc32(low);
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeUInt32BE(high, 0);
  bytes.writeUInt32BE(low, 4);
  return bytes.toString('base64');
}

/** Whether an algorithm's checksum of a whole follows from those of its parts. */
export function isCrc(algorithm: ChecksumAlgorithm): algorithm is CrcAlgorithm {
  return algorithm === 'CRC32' || algorithm === 'CRC32C' || algorithm === 'CRC64NVME';
}

class Crc32Digest implements Digest {
  readonly #crc: typeof crc32;
  #value = 0;

  constructor(crc: typeof crc32) {
    this.#crc = crc;
  }

  update(bytes: Uint8Array): void {
    this.#value = this.#crc(bytes, this.#value);
  }

  digest(): string {
    return base64OfCrc32(this.#value);
  }
}

class HashDigest implements Digest {
  readonly #hash;

  constructor(algorithm: 'md5' | 'sha1' | 'sha256' | 'sha512') {
    this.#hash = createHash(algorithm);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  digest(): string {
    return this.#hash.digest('base64');
  }
}

/**
 * The one WebAssembly instance of an algorithm: making one is asynchronous, but its state is a few bytes that can be
 * taken out and put back.
 */
interface SharedHasher {
  readonly hasher: IHasher;
  readonly initialState: Uint8Array;
  /** Whose state is in the instance. */
  current: SharedDigest | undefined;
}

async function share(made: Promise<IHasher>): Promise<SharedHasher> {
  const hasher = await made;
  return { hasher, initialState: hasher.init().save(), current: undefined };
}

const SHARED = {
  CRC64NVME: await share(createCRC64(CRC64NVME_POLYNOMIAL)),
  XXHASH64: await share(createXXHash64()),
  XXHASH3: await share(createXXHash3()),
  XXHASH128: await share(createXXHash128()),
} as const;

/** A digest that shares its instance with all others of its algorithm: whoever finds another's state there takes it out first. */
class SharedDigest implements Digest {
  readonly #shared: SharedHasher;
  #state: Uint8Array;

  constructor(shared: SharedHasher) {
    this.#shared = shared;
    this.#state = shared.initialState;
  }

  update(bytes: Uint8Array): void {
    this.#enter().update(bytes);
  }

  digest(): string {
    const hasher = this.#enter();
    this.#shared.current = undefined;
    return Buffer.from(hasher.digest('binary')).toString('base64');
  }

  #enter(): IHasher {
    const { hasher, current } = this.#shared;
    if (current === this) return hasher;
    if (current !== undefined) current.#leave();
    this.#shared.current = this;
    return hasher.load(this.#state);
  }

  #leave(): void {
    this.#state = this.#shared.hasher.save();
  }
}

function base64OfCrc32(value: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes.toString('base64');
}

function parseCrcValue(algorithm: CrcAlgorithm, checksum: string): CrcValue {
  if (parseChecksumValue(algorithm, checksum) === undefined) {
    throw new TypeError(`Not a ${algorithm} checksum: ${JSON.stringify(checksum)}`);
  }
  const bytes = Buffer.from(checksum, 'base64');
  if (bytes.length === 4) return { high: 0, low: bytes.readUInt32BE(0) };
  return { high: bytes.readUInt32BE(0), low: bytes.readUInt32BE(4) };
}
