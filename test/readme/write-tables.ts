/** `npm run docs`: makes the README's tables anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { withFreshTables } from './generated-tables.ts';

const readme = new URL('../../../README.md', import.meta.url);
writeFileSync(readme, withFreshTables(readFileSync(readme, 'utf8')));
