/**
 * Contestant "Express 5 in process": the usual application, `express.json()` and `res.json()`, tools called directly.
 */
import express from 'express';
import { burn, PORT, sleep } from './work.mjs';

const app = express();
app.use(express.json({ limit: '1mb' }));
app.get('/health', (_request, response) => response.json({ status: 'ok' }));
app.post('/tools/echo', (request, response) => {
  response.json({ status: 'success', data: { text: request.body.arguments.text } });
});
app.post('/tools/wait', async (request, response) => {
  await sleep(request.body.arguments.delayMs);
  response.json({ status: 'success', data: { text: 'waited' } });
});
app.post('/tools/burn', (request, response) => {
  response.json({ status: 'success', data: { state: burn(request.body.arguments.iterations) } });
});
app.listen(PORT, '127.0.0.1');
