import { expect, test } from 'vitest';
import { Secret } from '../domain/secret.ts';
import { type BenchFlags, parsePlan, parseTargets } from './bench-flags.ts';

const FLAGS: BenchFlags = { seconds: '5', rounds: '3', warmUp: '0', listKeys: '1000', syncs: true };
const KEY = { accessKeyId: 'environment', secret: new Secret('its secret'), sessionToken: undefined };

test('flags make a plan; without a choice all workloads run', () => {
  const plan = parsePlan({ ...FLAGS, seconds: '0.5', concurrency: '7', listKeys: '10,2000' });
  expect(plan).toMatchObject({ seconds: 0.5, rounds: 3, warmUpRounds: 0, clientsCount: 7, countsSyncs: true });
  const names = plan.workloads.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['put-64m', 'multipart', 'list-deep-10', 'list-delimiter-2k']));
  expect(parsePlan({ ...FLAGS, workloads: 'get-4k' }).workloads).toHaveLength(1);
});

test.each([
  [{ seconds: '0' }, '--seconds is a number from 0.1 to 600, not 0.'],
  [{ seconds: 'x' }, '--seconds'],
  [{ rounds: '1.5' }, '--rounds is a number from 1 to 100, not 1.5.'],
  [{ warmUp: '-1' }, '--warm-up is a number from 0 to 100, not -1.'],
  [{ warmUp: '' }, '--warm-up'],
  [{ concurrency: '-1' }, '--concurrency'],
  [{ listKeys: '1000,' }, '--list-keys'],
  [{ workloads: 'put,gets' }, '--workloads: there is no gets. There are put-4k, get-4k,'],
])('%j is refused in a sentence', (flags, message) => {
  expect(() => parsePlan({ ...FLAGS, ...flags })).toThrow(message);
});

test('an endpoint has a name, a URL, and what else it says; its key is its own before that of the environment', () => {
  const [first, second] = parseTargets(
    ['a=https://s3.example.com/base', 'b=http://[::1]:9000,region=eu-west-1,key=ID:se=c:ret'],
    KEY,
  );
  expect(first).toMatchObject({ name: 'a', region: 'us-east-1', key: KEY, pid: undefined, isTemporary: false });
  expect(first?.url.href).toBe('https://s3.example.com/base');
  expect(second).toMatchObject({ name: 'b', region: 'eu-west-1', key: { accessKeyId: 'ID' } });
  expect(second?.key.secret.reveal()).toBe('se=c:ret');
});

test.each([
  [['http://localhost:9000'], '--endpoint is NAME=URL'],
  [['a=localhost:9000'], '--endpoint is NAME=URL'],
  [['a=ftp://localhost'], '--endpoint is NAME=URL'],
  [['a=http://user:hush@localhost'], '--endpoint is NAME=URL'],
  [['a=http://localhost,pod=3'], 'knows no other word'],
  [['a=http://localhost,key=hush'], 'its key is ID:SECRET'],
  [['a=http://localhost,region='], 'its region is not the name of one'],
  [['a=http://localhost,pid=0'], 'pid is a number from 1'],
  [['a=http://localhost,pid=4194304'], 'there is no process 4194304'],
  [['a=http://localhost', 'a=http://localhost:1'], 'two are named a'],
])('%j is refused in a sentence that repeats no secret', (texts, message) => {
  const parse = () => parseTargets(texts, KEY);
  expect(parse).toThrow(message);
  expect(parse).not.toThrow('hush');
});

test('an endpoint without a key is told where to put it', () => {
  expect(() => parseTargets(['a=http://localhost'], undefined)).toThrow('set AWS_ACCESS_KEY_ID');
});
