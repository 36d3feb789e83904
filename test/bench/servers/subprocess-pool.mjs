/**
 * Contestant "the seed's own architecture": an Express gateway and a pool of MCP servers as subprocesses, spoken to in
 * JSON-RPC over stdio. WORKERS says how many; WORKER names the program: an SDK v1 server, or a hand-written one that
 * does nothing but JSON-RPC (the fastest this architecture can be).
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { PORT } from './work.mjs';

const program = fileURLToPath(new URL(process.env.WORKER ?? './stdio-sdk-v1.mjs', import.meta.url));

class Subprocess {
  #child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  #waiting = new Map();
  #next = 1;
  #rest = '';

  constructor() {
    this.#child.stdout.setEncoding('utf8');
    this.#child.stdout.on('data', (text) => this.#receive(text));
  }

  get inFlight() {
    return this.#waiting.size;
  }

  ask(method, params) {
    const id = this.#next++;
    this.#child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  tell(method) {
    this.#child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method })}\n`);
  }

  #receive(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop();
    for (const line of lines) {
      const message = JSON.parse(line);
      const waiting = this.#waiting.get(message.id);
      if (waiting === undefined) continue;
      this.#waiting.delete(message.id);
      if (message.error) waiting.reject(new Error(message.error.message));
      else waiting.resolve(message.result);
    }
  }
}

async function startSubprocess() {
  const subprocess = new Subprocess();
  await subprocess.ask('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'bench', version: '1' },
  });
  subprocess.tell('notifications/initialized');
  return subprocess;
}

const pool = await Promise.all(Array.from({ length: Number(process.env.WORKERS ?? 2) }, startSubprocess));

function leastLoaded() {
  let best = pool[0];
  for (const subprocess of pool) if (subprocess.inFlight < best.inFlight) best = subprocess;
  return best;
}

const app = express();
app.use(express.json());
app.get('/health', (_request, response) => response.json({ status: 'ok' }));
app.post('/tools/:name', async (request, response) => {
  const result = await leastLoaded().ask('tools/call', {
    name: request.params.name,
    arguments: request.body.arguments,
  });
  response.json({ status: 'success', data: result.structuredContent });
});
app.listen(PORT, '127.0.0.1');
