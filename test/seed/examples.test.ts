/**
 * Every printed example of the architecture document, against a gateway started as a user starts it. The examples
 * stand in files of their own, as printed; only the port is replaced.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { type GatewayProcess, KEY, startGatewayProcess } from '../support/gateway-process.ts';
import { readEvents } from '../support/sse-events.ts';

const run = promisify(execFile);

/** The examples lie beside the sources: the compiler copies TypeScript only. */
const EXAMPLES = fileURLToPath(new URL('../../../test/seed/', import.meta.url));

describe('examples of the architecture document', function () {
  this.timeout(60_000);
  let gateway: GatewayProcess;

  const example = (name: string) =>
    readFileSync(join(EXAMPLES, name), 'utf8').replaceAll('localhost:8000', `localhost:${gateway.port}`);
  const post = (path: string, body: object) =>
    fetch(gateway.url + path, {
      method: 'POST',
      headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  const get = async (path: string, headers: Record<string, string> = { 'X-API-Key': KEY }) => {
    const response = await fetch(gateway.url + path, { headers });
    return { status: response.status, body: JSON.parse(await response.text()) };
  };
  const create = async (name: string) => {
    const response = await post('/tools/journeys_tool', { arguments: { action: 'create', name } });
    expect(response.status).to.equal(200);
    return JSON.parse(await response.text()).data;
  };

  before(async () => {
    gateway = await startGatewayProcess();
  });

  after(async () => {
    expect(await gateway.end()).to.equal(0);
  });

  describe('with journeys in the store', () => {
    const journeys: object[] = [];

    before(async () => {
      for (const name of ['Alps', 'Sea', 'Moon']) journeys.push(await create(name));
    });

    it('streams to curl progress, a chunk a journey, the result and done, with the printed fields', async () => {
      const { stdout } = await run('bash', ['-c', example('stream-journeys.sh')]);
      const body = (async function* () {
        yield Buffer.from(stdout);
      })();
      const events = [];
      for await (const { event, data } of readEvents(body)) events.push({ event, data });
      const [first, ...others] = events;
      expect(first).to.deep.equal({
        event: 'progress',
        data: { progress: 1, total: 3, message: 'Loading data...' },
      });
      expect(others.filter(({ event }) => event !== 'progress')).to.deep.equal([
        ...journeys.map((data, index) => ({ event: 'chunk', data: { index, data } })),
        { event: 'result', data: { status: 'success', data: journeys, chunks: 3 } },
        { event: 'done', data: { status: 'complete' } },
      ]);
      expect(stdout).to.match(
        /^id: \S+\nevent: progress\ndata: \{"progress":1,"total":3,"message":"Loading data..."\}\n\n/,
      );
    });

    it('runs the browser snippet unchanged', async () => {
      const printed: unknown[][] = [];
      const { promise, resolve } = withResolvers();
      const log = (...values: unknown[]) => {
        printed.push(values);
        if (values[0] === 'Operation complete') resolve();
      };
      let socket: WebSocket | undefined;
      class Socket extends WebSocket {
        constructor(url: string) {
          super(url);
          socket = this;
        }
      }
      new Function('WebSocket', 'console', example('browser-snippet.txt'))(Socket, { log });
      await promise;
      socket?.close();
      if (socket) await once(socket, 'close');
      expect(printed.filter(([text]) => !String(text).startsWith('Progress'))).to.deep.equal([
        ['Operation started'],
        ...journeys.map((journey) => ['Received chunk:', journey]),
        ['Operation complete'],
      ]);
      expect(printed[1]).to.deep.equal(['Progress: 1/3']);
    });

    it('runs the Python streaming client line by line', async function () {
      if (!(await hasPython())) return skip(this, 'python3');
      const printed = await python('stream_journeys.py');
      expect(printed[0]).to.equal(
        `Event: progress, Data: {'progress': 1, 'total': 3, 'message': 'Loading data...'}`,
      );
      const of = (event: string) => printed.filter((line) => line.startsWith(`Event: ${event}, `));
      expect(of('chunk')).to.have.length(3);
      expect(of('chunk')[2]).to.match(/^Event: chunk, Data: \{'index': 2, 'data': \{'id': '.*'name': 'Moon'/);
      expect(of('result')).to.have.length(1);
      expect(of('result')[0]).to.match(/^Event: result, Data: \{'status': 'success', 'data': \[\{.*'Alps'/);
      expect(printed.at(-1)).to.equal(`Event: done, Data: {'status': 'complete'}`);
    });
  });

  describe('that create', () => {
    it('runs the Python WebSocket client line by line, and has the journey it created', async function () {
      if (!(await hasPython())) return skip(this, 'python3');
      const printed = await python('websocket_journey_updates.py');
      expect(printed.at(-1)).to.equal('Journey created successfully!');
      const list = await post('/tools/journeys_tool', {
        arguments: { action: 'list', query: 'New Journey' },
      });
      expect(JSON.parse(await list.text()).data).to.have.length(1);
    });
  });

  describe('endpoint table', () => {
    it('answers GET / with server information and statistics', async () => {
      const { status, body } = await get('/', {});
      expect(status).to.equal(200);
      expect(body).to.include.keys(
        'name',
        'version',
        'uptimeSeconds',
        'tools',
        'workers',
        'calls',
        'endpoints',
      );
      const paths = body.endpoints.map(({ path }: { path: string }) => path);
      expect(paths).to.include.members([
        '/',
        '/health',
        '/tools',
        '/tools/{name}',
        '/tools/{name}/stream',
        '/ws/tools/{name}',
        '/stats',
      ]);
    });

    it('answers GET /health with the workers, 2 to 8 by default', async () => {
      const { status, body } = await get('/health', {});
      expect(status).to.equal(200);
      expect(body.status).to.equal('ok');
      expect(body.workers).to.include({ min: 2, max: 8 });
      const { stdout } = await run('curl', ['-s', `http://localhost:${gateway.port}/health`]);
      expect(JSON.parse(stdout).status).to.equal('ok');
    });

    it('answers GET /tools with the tools', async () => {
      const { body } = await get('/tools');
      expect(body.tools.map(({ name }: { name: string }) => name)).to.include.members([
        'journeys_tool',
        'primes_tool',
      ]);
    });

    it('answers POST /tools/{name} with the whole result', async () => {
      const response = await post('/tools/primes_tool', { arguments: { from: 0, to: 100 } });
      const body = JSON.parse(await response.text());
      expect(body).to.deep.include({ status: 'success', data: { from: 0, to: 100, count: 25, largest: 97 } });
      expect(body.meta).to.include({ chunks: 1, callId: response.headers.get('x-call-id') });
    });

    it('answers GET /stats with statistics of every worker', async () => {
      const { status, body } = await get('/stats');
      expect(status).to.equal(200);
      expect(body.pool).to.include({ min: 2, max: 8 });
      expect(JSON.stringify(body)).to.contain('journeys_tool');
    });

    it('refuses a request without the key on all but / and /health', async () => {
      for (const path of ['/tools', '/stats']) expect((await get(path, {})).status).to.equal(401);
    });
  });

  async function hasPython(): Promise<boolean> {
    return run('python3', ['--version']).then(
      () => true,
      () => false,
    );
  }

  function skip(context: Mocha.Context, what: string): void {
    console.log(`        skipped: ${what} is not on this machine`);
    context.skip();
  }

  async function python(name: string): Promise<string[]> {
    const folder = mkdtempSync(join(tmpdir(), 'seed-'));
    try {
      writeFileSync(join(folder, name), example(`python/${name}`));
      const env = { ...process.env, PYTHONPATH: join(EXAMPLES, 'python'), PYTHONDONTWRITEBYTECODE: '1' };
      const { stdout } = await run('python3', [join(folder, name)], { env });
      return stdout.trimEnd().split('\n');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
});

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
