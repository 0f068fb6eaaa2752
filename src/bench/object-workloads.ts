import { cycle, drive, type Operation } from './drive.ts';
import type { Place } from './place.ts';
import type { CallOptions, Workload } from './workload.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
/** Bodies from here on are measured by their bytes. */
const LARGE_BYTES = MIB;
/** Of so many operations of a mixed load so many read; the others write. */
const MIXED_TURN = 10;
const MIXED_GETS = 7;
/** Connections that fill. */
const FILL_CLIENTS = 8;
/** Objects that are read back after a turn of writes; operations are begun in order, and all end within the turn. */
const CHECKED_OBJECTS_MAX = 8;

/** What an object workload is of; tests take fewer and smaller objects. */
export interface ObjectLoad {
  readonly kind: 'put' | 'get' | 'mixed' | 'delete';
  readonly sizeBytes: number;
  readonly clientsCount: number;
  /** Objects that are read in turn, overwritten in turn, or deleted in one turn. */
  readonly objectsCount: number;
}

export const OBJECT_LOADS: readonly ObjectLoad[] = [
  { kind: 'put', sizeBytes: 4 * KIB, clientsCount: 32, objectsCount: 2_000 },
  { kind: 'get', sizeBytes: 4 * KIB, clientsCount: 32, objectsCount: 2_000 },
  { kind: 'put', sizeBytes: 64 * KIB, clientsCount: 32, objectsCount: 500 },
  { kind: 'get', sizeBytes: 64 * KIB, clientsCount: 32, objectsCount: 500 },
  { kind: 'put', sizeBytes: MIB, clientsCount: 16, objectsCount: 64 },
  { kind: 'get', sizeBytes: MIB, clientsCount: 16, objectsCount: 64 },
  { kind: 'put', sizeBytes: 64 * MIB, clientsCount: 4, objectsCount: 4 },
  { kind: 'get', sizeBytes: 64 * MIB, clientsCount: 4, objectsCount: 4 },
  { kind: 'mixed', sizeBytes: 4 * KIB, clientsCount: 32, objectsCount: 2_000 },
  { kind: 'delete', sizeBytes: 4 * KIB, clientsCount: 32, objectsCount: 2_000 },
];

/**
 * Puts, gets, both, or deletes objects of one size. Each key has a body of its own, always the same, and every get
 * compares it.
 */
export function objectWorkload(load: ObjectLoad): Workload {
  const { kind, sizeBytes, clientsCount } = load;
  const keys = (place: Place) => new Keys(place, load);
  return {
    name: `${kind}-${sizeText(sizeBytes, ['k', 'm'])}`,
    title: `${kind} ${sizeText(sizeBytes, [' KiB', ' MiB'])}`,
    unit: unitOf(load),
    clientsCount,
    writes: kind !== 'get',
    async fill(place, options) {
      if (kind === 'get' || kind === 'mixed') await keys(place).putAll(options);
    },
    async operations(place, options) {
      const objects = keys(place);
      if (kind === 'put') return cycle(objects.map((index) => objects.put(index)));
      if (kind === 'get') return cycle(objects.map((index) => objects.get(index)));
      if (kind === 'mixed') {
        const isGet = (index: number) => index % MIXED_TURN < MIXED_GETS;
        return cycle(objects.map((index) => (isGet(index) ? objects.get(index) : objects.put(index))));
      }
      await objects.putAll(options);
      return objects.map((index) => objects.remove(index));
    },
    async check(place, { operationsCount, signal }) {
      const objects = keys(place);
      const checked = objects.map((index) => (kind === 'delete' ? objects.miss(index) : objects.get(index)));
      const count = kind === 'get' ? 0 : Math.min(CHECKED_OBJECTS_MAX, operationsCount);
      await drive(place, checked.slice(0, count), { clientsCount: 1, signal });
    },
  };
}

/** The objects of one workload on one target. */
class Keys {
  readonly #place: Place;
  readonly #load: ObjectLoad;

  constructor(place: Place, load: ObjectLoad) {
    this.#place = place;
    this.#load = load;
  }

  /** Of one operation, in the unit of the workload. */
  get #amount(): number {
    return unitOf(this.#load) === 'bytes' ? this.#load.sizeBytes : 1;
  }

  map(make: (index: number) => Operation): Operation[] {
    return Array.from({ length: this.#load.objectsCount }, (_, index) => make(index));
  }

  async putAll({ signal }: CallOptions): Promise<void> {
    const clientsCount = Math.min(FILL_CLIENTS, this.#load.objectsCount);
    await drive(
      this.#place,
      this.map((index) => this.put(index)),
      { clientsCount, signal },
    );
  }

  put(index: number): Operation {
    const place = this.#place;
    const body = place.bodies.of(this.#load.sizeBytes, index);
    const request = place.prepare({ method: 'PUT', key: this.#key(index), body });
    return async (connection) => {
      await place.exchange(connection, { request, status: 200 });
      return this.#amount;
    };
  }

  get(index: number): Operation {
    const place = this.#place;
    const expected = place.bodies.of(this.#load.sizeBytes, index).bytes;
    const request = place.prepare({ method: 'GET', key: this.#key(index) });
    return async (connection) => {
      await place.exchange(connection, { request, status: 200, expected });
      return this.#amount;
    };
  }

  remove(index: number): Operation {
    return this.#without(index, 'DELETE', 204);
  }

  /** A get that must find nothing. */
  miss(index: number): Operation {
    return this.#without(index, 'GET', 404);
  }

  #without(index: number, method: 'DELETE' | 'GET', status: number): Operation {
    const place = this.#place;
    const request = place.prepare({ method, key: this.#key(index) });
    return async (connection) => {
      await place.exchange(connection, { request, status });
      return this.#amount;
    };
  }

  #key(index: number): string {
    const { kind, sizeBytes } = this.#load;
    return `${kind}/${sizeBytes}/${String(index).padStart(6, '0')}`;
  }
}

function unitOf({ kind, sizeBytes }: ObjectLoad): 'bytes' | 'operations' {
  return kind !== 'delete' && sizeBytes >= LARGE_BYTES ? 'bytes' : 'operations';
}

function sizeText(sizeBytes: number, [kib, mib]: readonly [string, string]): string {
  return sizeBytes >= MIB ? `${sizeBytes / MIB}${mib}` : `${sizeBytes / KIB}${kib}`;
}
