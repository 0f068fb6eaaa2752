import { randomFillSync } from 'node:crypto';

const ID_BYTES = 8;
/** Random bytes are drawn for this many ids at once, so that an id costs a fraction of a microsecond. */
const IDS_PER_DRAW = 512;

/** A source of ids for requests: 64 random bits each, as 16 upper-case hex digits. */
export function createRequestIds(): () => string {
  const pool = Buffer.alloc(ID_BYTES * IDS_PER_DRAW);
  let position = pool.length;
  return () => {
    if (position === pool.length) {
      randomFillSync(pool);
      position = 0;
    }
    const id = pool.toString('hex', position, position + ID_BYTES).toUpperCase();
    position += ID_BYTES;
    return id;
  };
}
