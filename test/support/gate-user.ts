import { WriteGate } from '../../src/stores/embedded/write-gate.ts';

/** A process that begins to open a directory, or to write to it, tells its parent so, and never ends that. */
const [task = '', directory = ''] = process.argv.slice(2);

function stay(): never {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  throw new Error('Nobody wakes it.');
}

if (task === 'open') {
  process.send?.('there');
  await WriteGate.open(directory, stay);
} else {
  const { gate } = await WriteGate.open(directory, () => undefined);
  gate.enterSync();
  process.send?.('there', undefined, undefined, stay);
}
