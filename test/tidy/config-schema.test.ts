import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configurationJsonSchema } from '../../src/config/json-schema.ts';

test('config.schema.json is that of the settings that there are: npm run config-schema', () => {
  const published: unknown = JSON.parse(readFileSync(new URL('../../config.schema.json', import.meta.url), 'utf8'));
  expect(published).toEqual(JSON.parse(JSON.stringify(configurationJsonSchema())));
});
