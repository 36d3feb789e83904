/**
 * Contestant of the journeys workload: node:http and better-sqlite3 in process, one durable insert per request, one
 * query per list. It has no validation, no thread and no progress: the ceiling of this storage on this machine.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { PORT } from './work.mjs';

mkdirSync(process.env.DATA_DIR, { recursive: true });
const database = new Database(join(process.env.DATA_DIR, 'journeys.db'));
database.pragma('journal_mode = WAL');
database.pragma('synchronous = FULL');
database.exec(
  'create table journey (id text primary key, name text, status text, version integer, created text)',
);
const insert = database.prepare('insert into journey values (?, ?, ?, 1, ?)');
const all = database.prepare('select * from journey order by id');

const create = ({ name }) => {
  const journey = {
    id: randomUUID(),
    name,
    status: 'draft',
    version: 1,
    createdAt: new Date().toISOString(),
  };
  insert.run(journey.id, journey.name, journey.status, journey.createdAt);
  return journey;
};

createServer(async (request, response) => {
  if (request.url === '/health') return response.end('ok');
  const parts = [];
  for await (const part of request) parts.push(part);
  const { arguments: args } = JSON.parse(Buffer.concat(parts).toString());
  if (args.action === 'list') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    let index = 0;
    for (const journey of all.iterate()) {
      const frame = `event: chunk\ndata: ${JSON.stringify({ index, data: journey })}\n\n`;
      index += 1;
      if (!response.write(frame)) await once(response, 'drain');
    }
    return response.end('event: done\ndata: {"status":"complete"}\n\n');
  }
  const data =
    args.action === 'import'
      ? database.transaction((journeys) => journeys.map(create).length)(args.journeys)
      : create(args);
  response.end(JSON.stringify({ status: 'success', data }));
}).listen(PORT, '127.0.0.1');
