import { type EmbeddedDatabase, openDatabase } from '../../src/stores/embedded/database.ts';
import { MAP_BYTES, METADATA_FILE, openEnvironment } from '../../src/stores/embedded/environment.ts';
import type { Table } from '../../src/stores/embedded/table.ts';
import { OPTIONS } from '../contract/drafts.ts';

/**
 * A process that counts in rows of its own, one commit after the other in each, or that opens and closes the directory.
 * Arguments: what to do, the directory. It tells its parent how far it came.
 */
const [task = '', directory = ''] = process.argv.slice(2);

export interface CounterMessage {
  /** `wrong`: a commit that was acknowledged is not there, or none is possible any more. */
  readonly kind: 'counted' | 'opened' | 'wrong';
  readonly count: number;
  readonly reason?: string;
}

/** Rows that a process counts in at one time: writes that overlap, as those of several clients do. */
const ROWS = 3;
const options = { directory, durability: 'relaxed', diskFreeBytesMin: 0 } as const;
let isOver = false;
process.once('message', () => {
  isOver = true;
});

switch (task) {
  case 'count':
    await count();
    break;
  case 'open':
    await openOften(() => openDatabase(options));
    break;
  case 'open-unasked':
    await openOften(async () => {
      const environment = openEnvironment({ ...options, file: METADATA_FILE, mapBytes: MAP_BYTES });
      return { [Symbol.asyncDispose]: () => environment.close() };
    });
    break;
  default:
    throw new Error(`There is no task ${task}.`);
}
process.disconnect();

async function count(): Promise<void> {
  const database = await openDatabase(options);
  const rows = database.openTables((open) => open('counters'));
  const counts = Array.from({ length: ROWS }, () => 0);
  try {
    await Promise.all(counts.map((_, row) => countIn(row, { database, rows, counts })));
    tell({ kind: 'counted', count: sumOf(counts) });
    await database[Symbol.asyncDispose]();
  } catch (error) {
    tell({ kind: 'wrong', count: sumOf(counts), reason: String(error) });
    isOver = true;
  }
}

interface Counting {
  readonly database: EmbeddedDatabase;
  readonly rows: Table;
  /** What was acknowledged, of each row. */
  readonly counts: number[];
}

async function countIn(row: number, { database, rows, counts }: Counting): Promise<void> {
  const key = Buffer.from(`${process.pid}-${row}`);
  for (let acknowledged = 0; !isOver; ) {
    await database.write(
      (change) => {
        const found = Number(rows.get(key) ?? 0);
        if (found !== acknowledged) throw new Error(`${acknowledged} was acknowledged, and ${found} is there.`);
        change.put(rows, key, Buffer.from(String(found + 1)));
      },
      { ...OPTIONS, needsSpace: false },
    );
    acknowledged++;
    counts[row] = acknowledged;
    const read = Number(database.read(() => rows.get(key)) ?? 0);
    if (read !== acknowledged) throw new Error(`${acknowledged} was acknowledged, and ${read} is read.`);
  }
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

async function openOften(open: () => Promise<AsyncDisposable>): Promise<void> {
  for (let opened = 1; !isOver; opened++) {
    await (await open())[Symbol.asyncDispose]();
    tell({ kind: 'opened', count: opened });
  }
}

function tell(message: CounterMessage): void {
  process.send?.(message);
}
