/** `npm run docs`: makes the tables in docs/ anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { TABLES, withFreshTable } from './generated-tables.ts';

for (const { path, name, make } of TABLES) {
  const page = new URL(`../../../${path}`, import.meta.url);
  writeFileSync(page, withFreshTable(readFileSync(page, 'utf8'), name, make()));
}
