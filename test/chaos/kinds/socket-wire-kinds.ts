/** Frames and lines that are wrong: over WebSocket, and over the pipes of stdio. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { shown } from '../clients/call-log.ts';
import { HOST } from '../clients/transport.ts';
import { callTool, type Kind, type Scene } from './kind.ts';

interface Told {
  readonly event: string;
  readonly id?: unknown;
  readonly error?: { readonly code: string };
}

/** A socket to the chaos tool, with what it is told in order. */
class RawSocket {
  readonly ws: WebSocket;
  readonly told: Told[] = [];
  readonly closed: Promise<number>;
  #wake: () => void = () => {};
  #isClosed = false;

  constructor({ port, key }: Scene) {
    this.ws = new WebSocket(`ws://${HOST}:${port}/ws/tools/chaos`, {
      headers: { 'x-api-key': key },
      perMessageDeflate: false,
    });
    this.ws.on('error', () => {});
    this.ws.on('message', (text) => {
      this.told.push(JSON.parse(String(text)) as Told);
      this.#wake();
    });
    this.closed = once(this.ws, 'close').then(([code]) => {
      this.#isClosed = true;
      this.#wake();
      return code as number;
    });
  }

  async open(): Promise<boolean> {
    await Promise.race([once(this.ws, 'open').catch(() => {}), this.closed]);
    return this.ws.readyState === WebSocket.OPEN;
  }

  /** The first thing told that passes; undefined when the socket ends before. */
  async first(passes: (told: Told) => boolean): Promise<Told | undefined> {
    for (;;) {
      const found = this.told.find(passes);
      if (found || this.#isClosed) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** After whatever was wrong, the socket still answers. */
async function stillServes(scene: Scene, socket: RawSocket): Promise<void> {
  socket.ws.send(JSON.stringify({ event: 'ping' }));
  if (!(await socket.first(({ event }) => event === 'pong')))
    scene.verdict.find('contract', 'the socket ended behind a bad frame');
  socket.ws.close();
  await socket.closed;
}

const BAD_FRAMES: Readonly<
  Record<string, { readonly frame: string | Buffer; readonly codes: readonly string[] }>
> = {
  'frame-of-garbage': { frame: 'garbage', codes: ['parse_error'] },
  'frame-that-is-a-list': { frame: '[1]', codes: ['invalid_request'] },
  'frame-of-bytes': { frame: Buffer.from([1, 2, 3]), codes: ['invalid_request', 'parse_error'] },
  'frame-of-unknown-event': { frame: '{"event":"launch"}', codes: ['invalid_request'] },
  'frame-with-bad-id': { frame: '{"id":{},"arguments":{}}', codes: ['invalid_request'] },
  'frame-with-long-id': { frame: `{"id":"${'x'.repeat(200)}"}`, codes: ['invalid_request'] },
};

const badFrames: Kind[] = Object.entries(BAD_FRAMES).map(([name, { frame, codes }]) => ({
  name,
  group: 'wire',
  transports: ['websocket'],
  async play(scene) {
    const socket = new RawSocket(scene);
    if (!(await socket.open())) return scene.verdict.find('contract', 'the socket did not open');
    socket.ws.send(frame);
    const told = await socket.first(({ event }) => event === 'error');
    scene.verdict.ended(told?.error?.code ?? 'cut');
    if (told?.id !== null || !codes.includes(told.error?.code ?? ''))
      scene.verdict.find('wrong value', `told ${shown(told)}; expected ${codes.join(' or ')} and no id`);
    await stillServes(scene, socket);
  },
}));

async function duplicateId(scene: Scene): Promise<void> {
  const socket = new RawSocket(scene);
  if (!(await socket.open())) return scene.verdict.find('contract', 'the socket did not open');
  const call = { id: 7, arguments: { how: 'listen', nonce: scene.random.nonce(), n: 2 } };
  socket.ws.send(JSON.stringify(call));
  socket.ws.send(JSON.stringify(call));
  const refused = await socket.first(({ event, id }) => event === 'error' && id === null);
  socket.ws.send(JSON.stringify({ event: 'cancel', id: 7 }));
  const complete = await socket.first(({ event, id }) => event === 'complete' && id === 7);
  scene.verdict.ended(refused?.error?.code ?? 'cut');
  if (refused?.error?.code !== 'duplicate_id' || !complete)
    scene.verdict.find('contract', `a duplicate id was told ${shown(socket.told)}`);
  await stillServes(scene, socket);
  const ends = socket.told.filter(({ event, id }) => event === 'complete' && id === 7).length;
  if (ends !== 1) scene.verdict.find('contract', `${ends} ends of one call`);
}

async function cancelOfNobody(scene: Scene): Promise<void> {
  const socket = new RawSocket(scene);
  if (!(await socket.open())) return scene.verdict.find('contract', 'the socket did not open');
  socket.ws.send(JSON.stringify({ event: 'cancel', id: 'nobody' }));
  await stillServes(scene, socket);
  scene.verdict.ended(socket.told.map(({ event }) => event).join());
  if (socket.told.length !== 1) scene.verdict.find('contract', `told ${shown(socket.told)}`);
}

const closing = (name: string, act: (socket: RawSocket) => void, codes: readonly number[]): Kind => ({
  name,
  group: 'wire',
  transports: ['websocket'],
  async play(scene) {
    const socket = new RawSocket(scene);
    if (!(await socket.open())) return scene.verdict.find('contract', 'the socket did not open');
    act(socket);
    const code = await socket.closed;
    scene.verdict.ended(`closed ${code}`);
    if (!codes.includes(code))
      scene.verdict.find('wrong value', `closed ${code}; expected ${codes.join(' or ')}`);
  },
});

const rawBytes = (bytes: readonly number[]) => (socket: RawSocket) => {
  (socket.ws as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(Buffer.from(bytes));
};

/** Masked with zeros, so that what is wrong is what is meant to be. */
const MASK = [0x80, 0, 0, 0, 0] as const;

const refusedUpgrade = (
  name: string,
  tool: string,
  key: string | undefined,
  statuses: readonly number[],
): Kind => ({
  name,
  group: 'wire',
  transports: ['websocket'],
  async play(scene) {
    const headers = { 'x-api-key': key ?? scene.key };
    const ws = new WebSocket(`ws://${HOST}:${scene.port}/ws/tools/${tool}`, { headers });
    const status = await new Promise<number>((resolve) => {
      ws.on('unexpected-response', (_, response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      ws.on('open', () => resolve(101));
      ws.on('error', () => resolve(0));
    });
    ws.on('error', () => {}).terminate();
    scene.verdict.ended(String(status));
    if (!statuses.includes(status)) scene.verdict.find('wrong value', `upgraded with ${status}`);
  },
});

const BAD_LINES: Readonly<Record<string, { readonly line: string | Buffer; readonly code: number }>> = {
  'line-of-garbage': { line: 'garbage', code: -32700 },
  'line-that-is-a-list': { line: '[1]', code: -32600 },
  'line-too-long': { line: `"${'x'.repeat(1_100_000)}"`, code: -32600 },
  'line-of-invalid-utf8': { line: Buffer.from([0x22, 0xff, 0x22]), code: -32700 },
};

const badLines: Kind[] = Object.entries(BAD_LINES).map(([name, { line, code }]) => ({
  name,
  group: 'wire',
  transports: ['mcp-stdio'],
  async play({ stdio, verdict }) {
    const refused = stdio.refusal();
    stdio.send(line);
    const { error } = await refused;
    verdict.ended(String(error?.code));
    // Several may be under way, and answers to lines have no id to tell them apart.
    if (error?.code !== code && error?.code !== -32700 && error?.code !== -32600)
      verdict.find('wrong value', `told ${shown(error)}; expected ${code}`);
  },
}));

const stdioRequest = (name: string, method: string, params: object, code: number): Kind => ({
  name,
  group: 'wire',
  transports: ['mcp-stdio'],
  async play({ stdio, verdict }) {
    const { error } = await stdio.ask(method, params);
    verdict.ended(String(error?.code));
    if (error?.code !== code) verdict.find('wrong value', `told ${shown(error)}; expected ${code}`);
  },
});

/** A request is answered while a call is under way on the same pipes. */
async function pingBesideACall(scene: Scene): Promise<void> {
  const nonce = scene.random.nonce();
  const call = callTool(scene, 'hold', { nonce, n: 300 });
  await call.log.began;
  const late = `late-${nonce}`;
  await scene.stdio.ask('ping', {}, late);
  await scene.verdict.ofCall(call, ['success']);
}

export const SOCKET_WIRE_KINDS: readonly Kind[] = [
  ...badFrames,
  { name: 'duplicate-id', group: 'wire', transports: ['websocket'], play: duplicateId },
  { name: 'cancel-of-nobody', group: 'wire', transports: ['websocket'], play: cancelOfNobody },
  closing('frame-too-large', ({ ws }) => ws.send(`{"a":"${'x'.repeat(1_200_000)}"}`), [1009]),
  closing('frame-unmasked', rawBytes([0x81, 0x01, 0x61]), [1002]),
  closing('frame-of-unknown-opcode', rawBytes([0x83, ...MASK]), [1002]),
  closing('frame-of-invalid-utf8', rawBytes([0x81, 0x81, 0, 0, 0, 0, 0xff]), [1007]),
  closing('frame-lone-continuation', rawBytes([0x80, ...MASK]), [1002]),
  closing(
    'frames-of-garbage',
    ({ ws }) => {
      for (let n = 0; n < 12; n++) ws.send('garbage');
    },
    [1008],
  ),
  refusedUpgrade('upgrade-to-unknown-tool', 'no_such_tool', undefined, [404]),
  refusedUpgrade('upgrade-with-wrong-key', 'chaos', 'wrong', [401, 429]),
  ...badLines,
  stdioRequest('stdio-unknown-method', 'tools/launch', {}, -32601),
  stdioRequest('stdio-unknown-tool', 'tools/call', { name: 'no_such_tool', arguments: {} }, -32602),
  { name: 'ping-beside-a-call', group: 'wire', transports: ['mcp-stdio'], play: pingBesideACall },
];
