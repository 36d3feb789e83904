/**
 * Expects a journeys file to be whole: pages, references and full-text index.
 */
import { join } from 'node:path';
import { expect } from 'chai';
import { openDatabase } from '../../workers/tools/sqlite.ts';

export async function expectIntact(dataDir: string): Promise<void> {
  const database = await openDatabase(join(dataDir, 'journeys.db'));
  try {
    expect(database.prepare('PRAGMA integrity_check').get()).to.deep.equal({ integrity_check: 'ok' });
    expect(database.prepare('PRAGMA foreign_key_check').all()).to.deep.equal([]);
    database.exec(`INSERT INTO journey_search (journey_search) VALUES ('integrity-check')`);
  } finally {
    database.close();
  }
}
