import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ACCEPTED_BY_BIOME, type AcceptedFile } from './fixtures/accepted.ts';
import { REJECTED_BY_BIOME, REJECTED_BY_TYPES } from './fixtures/rejected.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const OUTPUT_BYTES_MAX = 64 * 1024 ** 2;

/** What the gates see: the project's settings and sources, with one file more for each rule. */
const COPIED = [
  'biome.json',
  'tsconfig.json',
  'package.json',
  '.gitignore',
  'scripts/lint',
  'src/domain/names.ts',
  'src/domain/identity.ts',
];

describe('Biome rejects', () => {
  /** By file: the rules that rejected it, each with its message. */
  const diagnostics = new Map<string, string[]>();

  beforeAll(async () => {
    await using project = await copyProject([...REJECTED_BY_BIOME, ...ACCEPTED_BY_BIOME]);
    const report = await run(project.path, 'biome', ['check', '--reporter=json', '--max-diagnostics=none', '.']);
    for (const { category, message, location } of parseBiomeReport(report)) {
      diagnostics.set(location.path, [...(diagnostics.get(location.path) ?? []), category, message]);
    }
  });

  test.for([...REJECTED_BY_BIOME])('$path: $because', ({ path, rule }) => {
    expect(diagnostics.get(path)?.some((text) => text.startsWith(rule))).toBe(true);
  });

  test.for([...ACCEPTED_BY_BIOME])('not $path: $because', ({ path }) => {
    expect(diagnostics.get(path)).toBeUndefined();
  });
});

describe('the compiler rejects', () => {
  let report = '';

  beforeAll(async () => {
    await using project = await copyProject(REJECTED_BY_TYPES);
    report = await run(project.path, 'tsc', ['-p', '.', '--pretty', 'false']);
  });

  test.for([...REJECTED_BY_TYPES])('$path: $because', ({ path, rule }) => {
    const errors = report.split('\n').filter((line) => line.startsWith(`${path}(`));
    expect(errors.join('\n')).toContain(rule);
  });
});

async function copyProject(files: readonly AcceptedFile[]): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'pithos-gates-'));
  for (const name of COPIED) await cp(join(ROOT, name), join(path, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(path, 'node_modules'));
  for (const file of files) {
    await mkdir(dirname(join(path, file.path)), { recursive: true });
    await writeFile(join(path, file.path), file.source);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The standard output of one of the project's tools, which is expected to find errors. */
function run(cwd: string, tool: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const file = join(ROOT, 'node_modules/.bin', tool);
    execFile(file, args, { cwd, maxBuffer: OUTPUT_BYTES_MAX }, (error, stdout, stderr) => {
      if (error === null) reject(new Error(`${tool} found nothing to reject: ${stdout}${stderr}`));
      else resolve(stdout);
    });
  });
}

interface BiomeDiagnostic {
  readonly category: string;
  readonly message: string;
  readonly location: { readonly path: string };
}

function parseBiomeReport(text: string): readonly BiomeDiagnostic[] {
  const report = JSON.parse(text) as { readonly diagnostics: readonly BiomeDiagnostic[] };
  return report.diagnostics;
}
