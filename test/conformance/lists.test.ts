import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseJunit } from './junit.ts';
import { type CaseResult, findStray, judge, parseAreas, parseExpected } from './lists.ts';

const AREAS = parseAreas('# areas\n\nbuckets in test_s3.py:\n  a b\n  c\n\nheaders in test_headers.py:\n  d\n');
const PASSED: CaseResult = { status: 'passed', message: '' };
const FAILED: CaseResult = { status: 'failed', message: 'assert 1 == 2' };
const SKIPPED: CaseResult = { status: 'skipped', message: 'no storage classes' };

describe('the lists in this folder', () => {
  const [areas, expected] = ['areas.txt', 'expected.txt'].map((name) =>
    readFileSync(new URL(name, import.meta.url), 'utf8'),
  );

  test('can be read, and every expected case stands in an area', () => {
    expect(findStray(parseAreas(areas ?? ''), parseExpected(expected ?? ''))).toEqual([]);
  });

  test('name every reason as a feature that is missing, a rule of AWS or the doing of the client', () => {
    for (const reason of parseExpected(expected ?? '').values()) expect(reason).toMatch(/^(?:needs|AWS:|client:) ?\S/);
  });
});

test('areas give each case the id that the suite gives it', () => {
  expect(AREAS).toEqual([
    { name: 'buckets', caseIds: ['test_s3.py::test_a', 'test_s3.py::test_b', 'test_s3.py::test_c'] },
    { name: 'headers', caseIds: ['test_headers.py::test_d'] },
  ]);
});

test.each(['  a\n', 'buckets\n', 'buckets in test_s3.py:\n  a a\n', 'x in y.py:\n a\n'])(
  'areas that say %j are refused',
  (text) => {
    expect(() => parseAreas(text)).toThrow(SyntaxError);
  },
);

test.each(['test_s3.py::test_a\n', 'test_s3.py::test_a  #\n', 'a  # b\n', 't.py::a  # b\nt.py::a  # c\n'])(
  'an expected list that says %j is refused',
  (text) => {
    expect(() => parseExpected(text)).toThrow(SyntaxError);
  },
);

describe('a run is judged by area', () => {
  test('and is good where what passes is not listed, and what is listed does not pass', () => {
    const expected = parseExpected('test_s3.py::test_b  # needs ACLs\ntest_s3.py::test_c  # needs classes\n');
    const verdicts = judgeWith(expected, { a: PASSED, b: FAILED, c: SKIPPED, d: PASSED });
    expect(verdicts).toEqual([
      { name: 'buckets', casesCount: 3, passedCount: 1, expectedCount: 2, problems: [] },
      { name: 'headers', casesCount: 1, passedCount: 1, expectedCount: 0, problems: [] },
    ]);
  });

  test('and a case that fails unlisted, passes though listed, or did not run, is a problem', () => {
    const expected = parseExpected('test_s3.py::test_b  # needs ACLs\n');
    const [buckets] = judgeWith(expected, { a: FAILED, b: PASSED });
    expect(buckets?.problems).toEqual([
      'test_s3.py::test_a failed: assert 1 == 2',
      'test_s3.py::test_b passed, though it was not expected to: needs ACLs',
      'test_s3.py::test_c is listed, but this suite did not run it.',
    ]);
  });

  test('and an expected case in no area is found', () => {
    expect(findStray(AREAS, parseExpected('test_s3.py::test_z  # needs ACLs\n'))).toEqual(['test_s3.py::test_z']);
  });
});

test('a report tells of each case, and of a clean-up that failed after it', () => {
  const report = `<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" tests="4">
    <testcase classname="s3tests.functional.test_s3" name="test_a" time="0.1" />
    <testcase classname="s3tests.functional.test_s3" name="test_b"><failure message="assert 1&#10;  == 2">trace</failure></testcase>
    <testcase classname="s3tests.functional.test_s3" name="test_c"><skipped type="pytest.skip" message="why not" /></testcase>
    <testcase classname="s3tests.functional.test_headers" name="test_d" />
    <testcase classname="s3tests.functional.test_headers" name="test_d"><error message="failed on teardown" /></testcase>
  </testsuite></testsuites>`;
  expect([...parseJunit(report)]).toEqual([
    ['test_s3.py::test_a', PASSED],
    ['test_s3.py::test_b', { status: 'failed', message: 'assert 1 == 2' }],
    ['test_s3.py::test_c', { status: 'skipped', message: 'why not' }],
    ['test_headers.py::test_d', { status: 'failed', message: 'failed on teardown' }],
  ]);
});

function judgeWith(expected: ReadonlyMap<string, string>, results: Readonly<Record<string, CaseResult>>) {
  const ids = new Map(
    Object.entries(results).map(([name, result]) => [
      `${name === 'd' ? 'test_headers.py' : 'test_s3.py'}::test_${name}`,
      result,
    ]),
  );
  return judge(AREAS, expected, ids);
}
