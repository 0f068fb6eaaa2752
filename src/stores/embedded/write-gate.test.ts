import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { OPTIONS } from '../../../test/contract/drafts.ts';
import { makeTempDir } from '../../../test/support/temp-dir.ts';
import { WriteGate } from './write-gate.ts';

const USER = join(import.meta.dirname, '../../../test/support/gate-user.ts');
/** Long enough for what must not happen to happen, in milliseconds. */
const WHILE_MS = 200;

test('a write waits while another process opens, and no longer than that process lives', async () => {
  await using dir = await makeTempDir();
  const { gate } = await WriteGate.open(dir.path, () => undefined);
  expect(gate.tryEnter()).toBe(true);
  gate.leave();
  const opener = await startUser('open', dir.path);
  await expect.poll(() => enterAndLeave(gate)).toBe(false);
  const entering = gate.enter(OPTIONS).then(() => 'entered');
  expect(await Promise.race([entering, setTimeout(WHILE_MS, 'waits')])).toBe('waits');
  await kill(opener);
  expect(await entering).toBe('entered');
  gate.leave();
});

test('writes that overlap without end keep no other process from opening', async () => {
  await using dir = await makeTempDir();
  const { gate } = await WriteGate.open(dir.path, () => undefined);
  expect(gate.tryEnter()).toBe(true);
  const opener = await startUser('open', dir.path);
  await expect.poll(() => enterAndLeave(gate), { interval: 0 }).toBe(false);
  gate.leave();
  await kill(opener);
});

test('an opening waits for the writes under way in another process, and no longer than that process lives', async () => {
  await using dir = await makeTempDir();
  const writer = await startUser('write', dir.path);
  const opening = WriteGate.open(dir.path, () => 'opened');
  expect(await Promise.race([opening, setTimeout(WHILE_MS, 'waits')])).toBe('waits');
  await kill(writer);
  expect((await opening).opened).toBe('opened');
});

test('a write that waits gives up when its signal fires', async () => {
  await using dir = await makeTempDir();
  const { gate } = await WriteGate.open(dir.path, () => undefined);
  const opener = await startUser('open', dir.path);
  await expect.poll(() => enterAndLeave(gate)).toBe(false);
  const reason = new Error('the client went away');
  const controller = new AbortController();
  const entering = gate.enter({ signal: controller.signal });
  controller.abort(reason);
  await expect(entering).rejects.toBe(reason);
  await kill(opener);
});

test('an opening that fails keeps nobody out', async () => {
  await using dir = await makeTempDir();
  const { gate } = await WriteGate.open(dir.path, () => undefined);
  const failure = new Error('no such file');
  const opening = WriteGate.open(dir.path, () => {
    throw failure;
  });
  await expect(opening).rejects.toBe(failure);
  expect(enterAndLeave(gate)).toBe(true);
});

test('what a crash of the machine left of the states, and what processes that died left, keeps nobody out', async () => {
  await using dir = await makeTempDir();
  await kill(await startUser('write', dir.path));
  const users = join(dir.path, 'metadata.mdb-users');
  expect(await readdir(users)).toHaveLength(2);
  for (const [name, text] of [
    ['states', '\u0001'.repeat(100)],
    ['user-9999-0123456789abcdef-bm90IEpTT04', ''],
    ['user', ''],
  ] as const)
    await writeFile(join(users, name), text);
  await mkdir(join(users, 'lost+found'));
  const { gate } = await WriteGate.open(dir.path, () => undefined);
  expect(enterAndLeave(gate)).toBe(true);
  await gate.close(async () => undefined);
  expect((await readdir(users)).toSorted()).toEqual([
    'lost+found',
    'states',
    'user',
    'user-9999-0123456789abcdef-bm90IEpTT04',
  ]);
});

test('a directory that was removed keeps nobody from closing, after another process opened it too', async () => {
  await using dir = await makeTempDir();
  const { gate } = await WriteGate.open(dir.path, () => undefined);
  await kill(await startUser('write', dir.path));
  await rm(join(dir.path, 'metadata.mdb-users'), { recursive: true });
  await expect(gate.close(async () => undefined)).resolves.toBeUndefined();
});

test('a gate that was closed lets nobody in', async () => {
  await using dir = await makeTempDir();
  const { gate } = await WriteGate.open(dir.path, () => undefined);
  await gate.close(async () => undefined);
  expect(() => gate.tryEnter()).toThrow('The metadata have been closed.');
});

function enterAndLeave(gate: WriteGate): boolean {
  const isInside = gate.tryEnter();
  if (isInside) gate.leave();
  return isInside;
}

async function startUser(task: 'open' | 'write', directory: string): Promise<ChildProcess> {
  const user = fork(USER, [task, directory], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  onTestFinished(() => void user.kill('SIGKILL'));
  await once(user, 'message');
  return user;
}

async function kill(user: ChildProcess): Promise<void> {
  const exited = once(user, 'exit');
  user.kill('SIGKILL');
  await exited;
}
