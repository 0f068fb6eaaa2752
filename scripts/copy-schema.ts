import { cp } from 'node:fs/promises';

/** The compiler copies no CQL: `npm run build` puts the migrations beside what reads them. */
const SCHEMA = 'src/stores/cassandra/schema';

await cp(SCHEMA, `dist/${SCHEMA}`, { recursive: true });
