import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { renderCompatibility } from '../../scripts/compatibility.ts';
import { kebabCase, readCoverage, renderCoverage } from '../../scripts/s3-coverage.ts';
import { renderModel } from '../../scripts/s3-model.ts';
import { S3_MODEL } from '../../src/operations/s3-model.ts';
import { NOT_IMPLEMENTED, OPERATIONS } from '../../src/operations/table.ts';

const root = new URL('../../', import.meta.url);

function readText(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

describe('what is generated is what is on disk', () => {
  test('src/operations/s3-model.ts names every operation and parameter that the installed SDK knows', () => {
    expect(readText('src/operations/s3-model.ts') === renderModel(), 'run scripts/generate-s3-model.ts').toBe(true);
  });

  test('docs/s3-coverage.md says what the table of operations says', () => {
    expect(readText('docs/s3-coverage.md') === renderCoverage(), 'run scripts/generate-coverage.ts').toBe(true);
  });

  test('docs/compatibility.md says what the table of operations and the tests with clients say', () => {
    const text = readText('docs/compatibility.md');
    expect(text === renderCompatibility(text), 'run scripts/generate-coverage.ts').toBe(true);
  });
});

test('the table of operations has a row for each operation of the model, and no other', () => {
  expect(Object.keys(OPERATIONS).sort()).toEqual(Object.keys(S3_MODEL).sort());
});

const implemented = readCoverage().filter(({ parameters }) => parameters !== undefined);

describe.each(implemented)('$name', ({ name, file }) => {
  const operation = OPERATIONS[name];

  test('stands in its own file with a link to the reference', () => {
    expect(file, `src/operations/<group>/${kebabCase(name)}.ts`).toBeDefined();
    const source = readText(`src/operations/${file}`);
    expect(source).toMatch(/^\s*\*? ?Source: https:\/\/docs\.aws\.amazon\.com\//m);
    expect(source).toContain(`name: '${name}'`);
  });

  test('has a test against a live server', () => {
    const path = `test/s3/${kebabCase(name)}.test.ts`;
    expect(existsSync(new URL(path, root)), path).toBe(true);
  });

  test('is the operation of its row, on the target that the model names', () => {
    if (operation === NOT_IMPLEMENTED) throw new Error('unreachable');
    expect(operation.name).toBe(name);
    const target = operation.scope === 'new-bucket' ? 'bucket' : operation.scope;
    expect(target).toBe(S3_MODEL[name].target);
  });

  test('honours only parameters that the model knows, each named once', () => {
    if (operation === NOT_IMPLEMENTED) throw new Error('unreachable');
    expect(Object.keys(S3_MODEL[name].parameters)).toEqual(expect.arrayContaining([...operation.parameters]));
    expect(new Set(operation.parameters).size).toBe(operation.parameters.length);
  });
});
