/** Faults that clients commit, and tools that do not stop when their client, or the clock, tells them to. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { shown } from '../clients/call-log.ts';
import { ACCEPTS, pathOf } from '../clients/http-calls.ts';
import { HOST, type TransportName } from '../clients/transport.ts';
import { ALL, callTool, HTTP, type Kind, type Scene, STALL_MS, STREAMS } from './kind.ts';

/** Transports on which a call is cancelled by a word; on the others its client has to leave. */
const CANCELLING: readonly TransportName[] = ['sse', 'ndjson', 'websocket', 'mcp-sessions', 'mcp-stdio'];
const CANCELLED = ['cancelled', 'unanswered'];

const kind = (
  name: string,
  group: Kind['group'],
  transports: readonly TransportName[],
  play: (scene: Scene) => Promise<void>,
  more: Partial<Kind> = {},
): Kind => ({ name, group, transports, ...more, play });

/** Ended by the clock: the tool's own limit, or the call's. */
const overdue = (how: string, ends: readonly string[] = ['deadline_exceeded']): Kind =>
  kind(
    `${how}-until-the-deadline`,
    'stubborn',
    ALL,
    async (scene) => {
      const bySpec = scene.random.next() < 0.5 && !scene.transport.startsWith('mcp');
      const call = bySpec
        ? callTool(scene, how, { timeoutMs: scene.random.int(100, 700) })
        : callTool(scene, how, { tool: 'chaos_brief' });
      await scene.verdict.ofCall(call, ends);
    },
    { perRound: 3 },
  );

const cancelled = (how: string, mayHaveEnded: readonly string[] = []): Kind =>
  kind(
    `${how}-until-cancelled`,
    'stubborn',
    CANCELLING,
    async (scene) => {
      const call = callTool(scene, how);
      await call.log.began;
      await sleep(scene.random.int(0, 200));
      call.cancel?.();
      await scene.verdict.ofCall(call, [...CANCELLED, ...mayHaveEnded]);
    },
    { perRound: 3 },
  );

const deserted = (how: string, mayHaveEnded: readonly string[] = []): Kind =>
  kind(
    `${how}-deserted`,
    'clients',
    ALL,
    async (scene) => {
      const call = callTool(scene, how, scene.transport === 'mcp-sessions' ? { tool: 'chaos_brief' } : {});
      // A sync call begins with its end.
      if (scene.transport === 'rest') await sleep(100);
      else await call.log.began;
      await sleep(scene.random.int(0, 200));
      call.leave();
      await scene.verdict.ofCall(call, ['left', ...CANCELLED, 'deadline_exceeded', ...mayHaveEnded]);
    },
    { perRound: 4 },
  );

async function leaveAtOnce(scene: Scene): Promise<void> {
  const call = callTool(scene, 'listen', scene.transport === 'mcp-sessions' ? { tool: 'chaos_brief' } : {});
  await sleep(scene.random.int(0, 5));
  call.leave();
  await scene.verdict.ofCall(call, ['left', ...CANCELLED, 'deadline_exceeded']);
}

async function stormOfCancels(scene: Scene): Promise<void> {
  await Promise.all(
    Array.from({ length: 6 }, async () => {
      const call = callTool(scene, scene.random.pick(['listen-briefly', 'throw-error', 'flood-chunks']), {
        n: 3000,
      });
      await sleep(scene.random.int(0, 60));
      if (call.cancel && scene.random.next() < 0.7) call.cancel();
      else call.leave();
      await scene.verdict.ofCall(call, ['left', ...CANCELLED, 'success', 'tool_failed', 'call_not_found']);
    }),
  );
}

async function cancelTwice(scene: Scene): Promise<void> {
  const call = callTool(scene, 'listen');
  await call.log.began;
  call.cancel?.();
  call.cancel?.();
  await scene.verdict.ofCall(call, CANCELLED);
}

/** Stops reading and goes on in time: nothing may be missing. */
async function pauseAndResume(scene: Scene): Promise<void> {
  const call = callTool(scene, 'flood-large-chunks', { n: 150 });
  await call.log.began;
  call.pause();
  await sleep(scene.random.int(200, 1200));
  call.resume();
  await scene.verdict.ofCall(call, ['success']);
}

/** Stops reading for longer than the gateway bears. */
async function pauseForGood(scene: Scene): Promise<void> {
  const call = callTool(scene, 'flood-large-chunks', { n: 600 });
  await call.log.began;
  call.pause();
  // The buffers between the two fill up first, and the gateway has no time for that at once.
  await sleep(STALL_MS + 9000);
  call.resume();
  await scene.verdict.ofCall(call, ['cut', 'slow_consumer']);
}

/** Sends its request, closes its own side, and reads on, as `nc -N` does. */
async function halfClose(scene: Scene): Promise<void> {
  const nonce = scene.random.nonce();
  const body = JSON.stringify({ arguments: { how: 'hold', nonce, n: 200 } });
  const name = scene.transport as 'rest' | 'sse' | 'ndjson';
  const socket = connect({ host: HOST, port: scene.port, allowHalfOpen: true });
  socket.on('error', () => {});
  socket.end(
    `POST ${pathOf(name, 'chaos')} HTTP/1.1\r\nHost: localhost:${scene.port}\r\nX-API-Key: ${scene.key}\r\n` +
      `Accept: ${ACCEPTS[name]}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  await new Promise((resolve) => socket.on('close', resolve));
  // Interim answers may come before the answer (RFC 9110, 15.2).
  const isAnswered = /^(?:HTTP\/1\.1 1\d\d [^\r]*\r\n\r\n)*HTTP\/1\.1 200/.test(text) && text.includes(nonce);
  scene.verdict.ended(isAnswered ? 'success' : 'cut');
  if (!isAnswered) scene.verdict.find('contract', `a half-closed client was told: ${shown(text)}`);
}

export const CLIENT_KINDS: readonly Kind[] = [
  ...['spin', 'spin-in-microtasks', 'spin-in-a-pattern', 'sleep-on-a-lock', 'never-end'].map((how) =>
    overdue(how),
  ),
  ...['hang-in-finally', 'throw-in-abort-listener'].map((how) => overdue(how)),
  overdue('yield-for-ever', ['deadline_exceeded', 'result_too_large']),
  overdue('throw-in-finally'),
  ...['spin', 'never-end', 'hang-in-finally', 'throw-in-finally', 'listen'].map((how) => cancelled(how)),
  ...['spin', 'hang-in-finally', 'listen'].map((how) => deserted(how)),
  // Soon it has yielded more than an answer may hold, which may be before its client goes.
  cancelled('yield-for-ever', ['result_too_large']),
  deserted('yield-for-ever', ['result_too_large']),
  deserted('flood-large-chunks', ['success']),
  kind('leave-at-once', 'clients', ALL, leaveAtOnce),
  kind('cancel-storm', 'clients', ALL, stormOfCancels, { perRound: 4 }),
  kind('cancel-twice', 'clients', CANCELLING, cancelTwice),
  kind('pause-and-resume', 'clients', STREAMS, pauseAndResume, { perRound: 4 }),
  kind(
    'pause-for-good',
    'clients',
    STREAMS.filter((name) => name !== 'mcp-stdio'),
    pauseForGood,
    { perRound: 1 },
  ),
  kind('half-close', 'clients', HTTP, halfClose),
];
