import { types } from 'cassandra-driver';

/** The driver's number for a consistency level by its name in Cassandra, such as `LOCAL_QUORUM`. */
export function levelCode(name: string): types.consistencies {
  const camel = name.toLowerCase().replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return parseLevel(Reflect.get(types.consistencies, camel), name);
}

function parseLevel(code: unknown, name: string): types.consistencies {
  if (typeof code !== 'number') throw new TypeError(`The driver knows no consistency level ${name}.`);
  return code as types.consistencies;
}
