import { z } from 'zod';
import { configurationSchema } from './schema.ts';

/** The keys that the schema knows in the map at `path`; none where it takes the user's own names. */
export function keysKnownAt(path: readonly PropertyKey[]): readonly string[] {
  let schema: unknown = unwrap(configurationSchema);
  for (const step of path) {
    if (schema instanceof z.ZodObject) schema = unwrap(schema.shape[String(step)]);
    else if (schema instanceof z.ZodRecord) schema = unwrap(schema.valueType);
    else return [];
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** What `SETTING_PATHS` must be. */
export function settingPaths(): readonly string[] {
  return Object.entries(configurationSchema.shape).flatMap(([section, schema]) =>
    unwrap(schema) instanceof z.ZodObject ? pathsBelow(schema, section) : [],
  );
}

function pathsBelow(schema: unknown, path: string): string[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodString) return [path];
  if (inner instanceof z.ZodUnion) return [...new Set(inner.options.flatMap((option) => pathsBelow(option, path)))];
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape).flatMap(([key, each]) => pathsBelow(each, `${path}.${key}`));
}

/** The schema of the text, map or list itself, without what is optional or done to it. */
function unwrap(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional) return unwrap(schema.unwrap());
  if (schema instanceof z.ZodPipe) return unwrap(schema.in);
  return schema;
}
