import { CalmCells } from '../model/calm-cells.ts';
import { cellsContract } from './cells.ts';

const cells = new CalmCells({ nowMs: () => Date.now() });

cellsContract({ engine: 'one replica in memory', open: () => cells });
