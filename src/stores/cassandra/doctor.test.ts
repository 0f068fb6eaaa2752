import { describe, expect, test } from 'vitest';
import type { NodeFacts } from './cluster.ts';
import { clockFinding, versionFindings } from './doctor.ts';

function nodes(...versions: readonly string[]): readonly NodeFacts[] {
  return versions.map((version) => ({ address: '127.0.0.1:9042', dataCentre: 'dc1', rack: 'rack1', version }));
}

describe('The doctor', () => {
  test.each([
    [['5.0.9', '5.0.9'], 'ok'],
    [['4.1.10'], 'ok'],
    [['4.1.10', '5.0.9'], 'warning'],
    [['3.11.5', '5.0.9'], 'error'],
  ] as const)('takes the releases %j for %s', (versions, severity) => {
    expect(versionFindings(nodes(...versions))).toMatchObject([{ severity }]);
  });

  test.each([
    [[], 'ok'],
    [[3, -4], 'ok'],
    [[900, -900], 'warning'],
    [[3_600_000], 'warning'],
  ] as const)('takes clocks that are off by %j ms for %s', (offsets, severity) => {
    expect(clockFinding(offsets)).toMatchObject({ severity });
  });
});
