/**
 * Contestant "Piscina behind Express": what one writes who wants tools on threads and has no gateway: `pool.run` for each
 * request. THREADS are ready, and no more start; TASKS run at once on each.
 */
import { fileURLToPath } from 'node:url';
import express from 'express';
import { Piscina } from 'piscina';
import { PORT } from './work.mjs';

const threads = Number(process.env.THREADS ?? 2);
const pool = new Piscina({
  filename: fileURLToPath(new URL('piscina-tools.mjs', import.meta.url)),
  minThreads: threads,
  maxThreads: threads,
  concurrentTasksPerWorker: Number(process.env.TASKS ?? 1),
});

const app = express();
app.use(express.json({ limit: '1mb' }));
app.get('/health', (_request, response) => response.json({ status: 'ok' }));
app.post('/tools/:name', async (request, response) => {
  const data = await pool.run(request.body.arguments, { name: request.params.name });
  response.json({ status: 'success', data });
});
app.listen(PORT, '127.0.0.1');
