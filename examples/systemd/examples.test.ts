import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runPithos } from '../../test/cli/run-pithos.ts';
import { makeTempDir } from '../../test/support/temp-dir.ts';

const HERE = import.meta.dirname;
const UNITS = readdirSync(HERE).filter((name) => /\.(service|timer)$/.test(name));
const PROGRAM = '/usr/local/bin/pithos';
const SECTIONS = ['Unit', 'Service', 'Timer', 'Install'];

function readUnit(name: string): string {
  return readFileSync(join(HERE, name), 'utf8');
}

function hasSystemd(): boolean {
  try {
    execFileSync('systemd-analyze', ['--version'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

describe.each(UNITS)('examples/systemd/%s', (name) => {
  test('has sections, comments and settings only', () => {
    for (const line of readUnit(name).split('\n')) {
      const section = /^\[(\w+)\]$/.exec(line)?.[1];
      if (section !== undefined) expect(SECTIONS).toContain(section);
      else expect(line).toMatch(/^$|^#|^[A-Z]\w*=/);
    }
  });

  test('runs commands that there are', async () => {
    const [, command] = /^ExecStart=\S+ (\S+)/m.exec(readUnit(name)) ?? [];
    if (command === undefined) expect(name).toMatch(/\.timer$/);
    else expect((await runPithos([command, '--help'])).stdout).toContain(`Usage: pithos ${command} `);
  });
});

test.each(UNITS.filter((name) => name.endsWith('.service')))(
  '%s leaves no core dump, which would hold the keys',
  (name) => {
    expect(readUnit(name)).toMatch(/^LimitCORE=0$/m);
  },
);

test('the server gets longer to stop than its requests do', () => {
  expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(readUnit('pithos.service'))?.[1])).toBeGreaterThan(30);
});

// Elsewhere the tests above have to do.
if (hasSystemd()) {
  test('systemd finds nothing wrong with the units', async () => {
    await using folder = await makeTempDir();
    for (const name of UNITS) {
      // There is no such program here, which would be an error of its own.
      await writeFile(join(folder.path, name), readUnit(name).replaceAll(PROGRAM, process.execPath));
    }
    const units = UNITS.map((name) => join(folder.path, name));
    execFileSync('systemd-analyze', ['verify', ...units], { stdio: 'pipe' });
    await writeFile(join(folder.path, 'wrong.service'), '[Service]\nExecStart=/no/such/program\n');
    const wrong = () =>
      execFileSync('systemd-analyze', ['verify', join(folder.path, 'wrong.service')], { stdio: 'pipe' });
    expect(wrong).toThrow();
  });
}
