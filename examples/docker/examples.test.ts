import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfiguration } from '../../src/config/load.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
/** The instructions of a Dockerfile, as its reference lists them. */
const INSTRUCTION = /^(FROM|WORKDIR|COPY|RUN|USER|EXPOSE|ENTRYPOINT|CMD|ENV|ARG|LABEL|VOLUME)\s+\S/;
const COMPOSE_FILES = ['examples/docker/compose.yaml', 'examples/cassandra/compose.yaml'];
const SERVICE_KEYS = [
  'image',
  'build',
  'command',
  'environment',
  'ports',
  'volumes',
  'healthcheck',
  'depends_on',
  'stop_grace_period',
  'ulimits',
];

async function instructions(): Promise<readonly string[]> {
  const text = await readFile(join(ROOT, 'examples/docker/Dockerfile'), 'utf8');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('the Dockerfile has only instructions, and copies only what there is', async () => {
  const lines = await instructions();
  for (const line of lines) expect(line).toMatch(INSTRUCTION);
  for (const line of lines.filter((each) => each.startsWith('COPY ') && !each.includes('--from'))) {
    for (const source of line.split(/\s+/).slice(1, -1)) {
      await expect(readFile(join(ROOT, source)).catch(({ code }) => code)).resolves.not.toBe('ENOENT');
    }
  }
});

test('the Dockerfile runs a server on its volume with settings that there are', async () => {
  const lines = await instructions();
  const argumentOf = (name: string) =>
    lines.findLast((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? '';
  expect(JSON.parse(argumentOf('CMD'))).toEqual(['serve', argumentOf('VOLUME')]);
  expect(JSON.parse(argumentOf('ENTRYPOINT'))).toEqual(['node', 'dist/src/main.js']);
  const environment = Object.fromEntries(
    argumentOf('ENV')
      .split(' ')
      .map((pair) => pair.split('=')),
  );
  const { config } = await loadConfiguration({ environment, flags: [] });
  expect(config.service).toMatchObject({ host: '0.0.0.0', adminHost: '0.0.0.0' });
});

test.each(COMPOSE_FILES)('%s lets no service that has keys leave a core dump, which would hold them', async (path) => {
  const { services } = parse(await readFile(join(ROOT, path), 'utf8'));
  const withKeys = Object.values<Record<string, unknown>>(services).filter((service) => 'environment' in service);
  expect(withKeys.map((service) => service['ulimits'])).toEqual([{ core: 0 }]);
});

test.each(COMPOSE_FILES)('%s names services, volumes and conditions that there are', async (path) => {
  const { services, volumes } = parse(await readFile(join(ROOT, path), 'utf8'));
  for (const service of Object.values<Record<string, unknown>>(services)) {
    expect(SERVICE_KEYS).toEqual(expect.arrayContaining(Object.keys(service)));
    expect('image' in service || 'build' in service).toBe(true);
    for (const name of Object.keys(service['depends_on'] ?? {})) expect(Object.keys(services)).toContain(name);
    const mounted: unknown = service['volumes'] ?? [];
    if (!Array.isArray(mounted)) throw new Error(`${path}: volumes are a list.`);
    for (const each of mounted) expect(Object.keys(volumes)).toContain(String(each).split(':')[0]);
  }
});
