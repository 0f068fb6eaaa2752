import { z } from 'zod';
import { configurationSchema } from './schema.ts';

const ID = 'https://json-schema.org/draft/2020-12/schema';

/**
 * The JSON schema of the configuration file, for editors: names, nesting, and what each value must be, in words. Every
 * scalar may be a text, a number or a truth value, for the file is read without their types. A section with `use: a
 * module` may hold anything, and so may `additionalProperties` of sections that can be modules.
 */
export function configurationJsonSchema(): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(configurationSchema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      if (jsonSchema.type === 'string') Object.assign(jsonSchema, { type: ['string', 'number', 'boolean'] });
      if (jsonSchema.properties !== undefined && 'use' in jsonSchema.properties) delete jsonSchema.additionalProperties;
      // An empty section is `null` in YAML, and read as one without settings.
      if (jsonSchema.type === 'object') Object.assign(jsonSchema, { type: ['object', 'null'] });
    },
  });
  return { ...schema, $schema: ID, title: 'Configuration of Pithos' };
}
