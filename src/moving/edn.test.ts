import { describe, expect, test } from 'vitest';
import { type Edn, EdnError, readEdn } from './edn.ts';

/** As JavaScript would write it: keywords begin with a colon, sets are sets. */
function plain(value: Edn): unknown {
  if (value.kind === 'nil') return null;
  if (value.kind === 'boolean' || value.kind === 'number') return value.value;
  if (value.kind === 'string') return value.text;
  if (value.kind === 'keyword') return `:${value.name}`;
  if (value.kind === 'map') return new Map(value.entries.map(([key, inner]) => [plain(key), plain(inner)]));
  return value.kind === 'set' ? new Set(value.items.map(plain)) : value.items.map(plain);
}

describe('EDN', () => {
  test.each([
    ['nil', null],
    ['true', true],
    [' , -12,\n', -12],
    ['3000N', 3000],
    ['1.5e3', 1500],
    [':max-age', ':max-age'],
    ['[]', []],
    ['(1 2)', [1, 2]],
    ['[:get,:put]', [':get', ':put']],
    ['#{"a" "b"}', new Set(['a', 'b'])],
    [
      '{:a nil, :b [{:c "d"}]}',
      new Map<unknown, unknown>([
        [':a', null],
        [':b', [new Map([[':c', 'd']])]],
      ]),
    ],
    ['"a \\"b\\" \\\\ \\n \\u00e9 é"', 'a "b" \\ \n é é'],
    ['""', ''],
  ])('reads %s', (text, expected) => {
    expect(plain(readEdn(text))).toEqual(expected);
  });

  test.each([
    '',
    'nil nil',
    'foo',
    'nilx',
    '1a',
    '{:a}',
    '[1',
    '[1}',
    ']',
    '"open',
    '"\\x"',
    '#=(java.lang.System/exit 0)',
    '#"regex"',
    '@a',
    ':',
  ])('refuses %s', (text) => {
    expect(() => readEdn(text)).toThrow(EdnError);
  });

  test('refuses what is longer, deeper or more than was ever written', () => {
    expect(() => readEdn(' '.repeat(2 * 1024 ** 2))).toThrow('longer than');
    expect(() => readEdn('['.repeat(100_000))).toThrow('nested more than 16 deep');
    expect(() => readEdn(`[${'1 '.repeat(200_000)}]`)).toThrow('more than 100000 values');
  });
});
