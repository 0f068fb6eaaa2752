import { openDatabase } from '../../src/stores/embedded/database.ts';
import { MAP_BYTES, METADATA_FILE, openEnvironment } from '../../src/stores/embedded/environment.ts';
import { OPTIONS } from '../contract/drafts.ts';

/**
 * A process that counts in a row of its own, one commit after the other, or that opens and closes the directory.
 * Arguments: what to do, the directory. It tells its parent how far it came.
 */
const [task = '', directory = ''] = process.argv.slice(2);

export interface CounterMessage {
  /** `wrong`: a commit that was acknowledged is not there, or none is possible any more. */
  readonly kind: 'counted' | 'opened' | 'wrong';
  readonly count: number;
  readonly reason?: string;
}

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
  const key = Buffer.from(String(process.pid));
  let acknowledged = 0;
  try {
    while (!isOver) {
      await database.write(
        (change) => {
          const found = Number(rows.get(key) ?? 0);
          if (found !== acknowledged) throw new Error(`${acknowledged} was acknowledged, and ${found} is there.`);
          change.put(rows, key, Buffer.from(String(found + 1)));
        },
        { ...OPTIONS, needsSpace: false },
      );
      acknowledged++;
      const read = Number(database.read(() => rows.get(key)) ?? 0);
      if (read !== acknowledged) throw new Error(`${acknowledged} was acknowledged, and ${read} is read.`);
    }
    tell({ kind: 'counted', count: acknowledged });
    await database[Symbol.asyncDispose]();
  } catch (error) {
    tell({ kind: 'wrong', count: acknowledged, reason: String(error) });
  }
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
