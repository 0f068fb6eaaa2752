import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { makeTempDir } from '../../test/support/temp-dir.ts';
import { LineOutput } from './line-output.ts';

/** What a pipe of Linux holds while nobody reads it. */
const PIPE_BYTES = 64 * 1024;
const WAITING_BYTES_MAX = 4 * 1024 * 1024;

test('the lines of one turn go to a file together, in their order, once the turn has ended', async () => {
  await using file = await openFile();
  const { output, told } = outputOn(file.fd);
  output.write('a\n');
  output.write('b\n');
  expect(file.text()).toBe('');
  await nextTurn();
  expect(file.text()).toBe('a\nb\n');
  output.write('c\n');
  void output.flush();
  expect(file.text()).toBe('a\nb\nc\n');
  expect(told).toEqual([]);
});

test('many lines are not held back until the turn ends', async () => {
  await using file = await openFile();
  const { output } = outputOn(file.fd);
  for (let count = 0; count < 100; count++) output.write(`${'x'.repeat(1023)}\n`);
  expect(file.text().length).toBe(64 * 1024);
});

test('what a full disk does not take is lost, which is told once, and so is that lines can be written again', async () => {
  await using dir = await makeTempDir();
  // A process whose files may have one block: the system refuses what goes beyond.
  const script = `
    const { openSync, ftruncateSync } = await import('node:fs');
    const { LineOutput } = await import(${JSON.stringify(join(import.meta.dirname, 'line-output.ts'))});
    const fd = openSync(${JSON.stringify(join(dir.path, 'log'))}, 'a');
    let lostLines = 0;
    const output = new LineOutput({
      fd,
      onLoss: (error) => console.log('lost', error.code),
      onRecovered: (count) => output.write('lost ' + count + '\\n'),
      countLost: (lines) => { lostLines += lines; },
    });
    const line = (name) => name + ' ' + 'x'.repeat(197) + '\\n';
    for (const name of ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) output.write(line(name));
    await output.flush();
    for (const name of ['a', 'b']) { output.write(line(name)); await output.flush(); }
    ftruncateSync(fd, 300);
    output.write('again\\n');
    await output.flush();
    await output.flush();
    console.log('counted', lostLines);
  `;
  const args = ['-c', 'ulimit -f 1; exec "$0" --no-warnings --input-type=module --eval "$1"', process.execPath, script];
  const told = execFileSync('bash', args, { encoding: 'utf8' });
  expect(told).toBe('lost EFBIG\ncounted 7\n');
  const lines = readFileSync(join(dir.path, 'log'), 'utf8')
    .split('\n')
    .map((line) => line.slice(0, 6));
  // Lines of 200 bytes in 1,024: five are whole, and the sixth was torn; 300 bytes of all that stayed.
  expect(lines).toEqual(['0 xxxx', '1 xxxx', 'again', 'lost 7', '']);
});

test('a reader that takes nothing holds nobody up; what waits for it is bounded, and comes once it reads', async () => {
  await using dir = await makeTempDir();
  const pipe = join(dir.path, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const fd = openSync(pipe, constants.O_RDWR);
  const { output, told } = outputOn(fd);
  const line = `${'x'.repeat(1023)}\n`;
  const written = 6_000;
  for (let count = 0; count < written; count++) {
    output.write(line);
    if (count === 1_000) await nextTurn();
  }
  expect(told).toEqual(['lost Error: nobody reads it']);
  const began = performance.now();
  await output.flush();
  expect(performance.now() - began).toBeLessThan(5_000);
  const reader = spawn('cat', [pipe], { stdio: ['ignore', 'pipe', 'inherit'] });
  let readBytes = 0;
  reader.stdout.on('data', (chunk: Buffer) => {
    readBytes += chunk.length;
  });
  await vi.waitFor(() => expect(told).toHaveLength(2), { timeout: 10_000 });
  await output.flush();
  const [, lost] = /^recovered (\d+)$/.exec(told[1] ?? '') ?? [];
  await vi.waitFor(() => expect(readBytes).toBe((written - Number(lost)) * line.length), { timeout: 10_000 });
  expect(readBytes).toBeGreaterThan(WAITING_BYTES_MAX);
  expect(readBytes).toBeLessThanOrEqual(WAITING_BYTES_MAX + 1_100 * 1024 + PIPE_BYTES);
  reader.kill();
  closeSync(fd);
});

function outputOn(fd: number) {
  const told: string[] = [];
  const output = new LineOutput({
    fd,
    onLoss: (error) => told.push(`lost ${String(error)}`),
    onRecovered: (count) => told.push(`recovered ${count}`),
  });
  return { output, told };
}

async function openFile() {
  const dir = await makeTempDir();
  const path = join(dir.path, 'log');
  const fd = openSync(path, 'a');
  return {
    fd,
    text: () => readFileSync(path, 'utf8'),
    [Symbol.asyncDispose]: async () => {
      closeSync(fd);
      await dir[Symbol.asyncDispose]();
    },
  };
}
