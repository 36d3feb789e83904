/** (j) Cold start over stdio: from the start of the process to the answer of the first tools/call. */
import { spawn } from 'node:child_process';
import { Absence, benchDirectory } from '../harness/contestant.mjs';
import { oursStdio } from '../harness/contestants.mjs';
import { TEXT } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const LIMIT_MS = 20_000;

export const title = '(j) cold start, stdio: ms from process start to the first tools/call answer';
export const columns = ['firstAnswerMs'];
export const lessIsBetter = true;
export const targets = [{ field: 'firstAnswerMs', atMost: 600, text: 'ms to the first answer over stdio' }];

const initialize = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'bench', version: '1.0.0' },
};
const line = (message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`;

function firstAnswer(spec) {
  const startedAt = performance.now();
  const child = spawn(process.execPath, spec.args(), {
    cwd: benchDirectory,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...spec.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  return new Promise((resolve, reject) => {
    let errors = '';
    let text = '';
    const timer = setTimeout(() => reject(new Absence(`no answer in ${LIMIT_MS / 1000} s`)), LIMIT_MS);
    child.stderr.on('data', (data) => {
      errors = (errors + data).slice(-400);
    });
    child.once('exit', () => reject(new Absence(`it ended at once: ${errors.trim().split('\n').at(-1)}`)));
    child.stdout.on('data', (data) => {
      const before = text;
      text += data;
      if (text.includes('"id":1') && !before.includes('"id":1')) {
        child.stdin.write(line({ method: 'notifications/initialized' }));
        child.stdin.write(
          line({ id: 2, method: 'tools/call', params: { name: 'echo', arguments: { text: TEXT } } }),
        );
      }
      if (text.includes('"id":2') && text.includes(TEXT)) {
        clearTimeout(timer);
        resolve({ firstAnswerMs: performance.now() - startedAt });
      }
    });
    child.stdin.write(line({ id: 1, method: 'initialize', params: initialize }));
  }).finally(() => child.kill('SIGKILL'));
}

export function run(plan) {
  const stdio = (id, label, file, env = {}) => ({ id, label, args: () => [`servers/${file}.mjs`], env });
  const specs = [
    oursStdio,
    stdio('lean', 'hand-written stdio server', 'stdio-lean'),
    stdio('sdk-v1', 'MCP SDK v1', 'stdio-sdk-v1'),
    stdio('sdk-v2', 'MCP SDK v2', 'stdio-sdk-v2'),
    stdio('fastmcp', 'fastmcp', 'fastmcp', { MODE: 'stdio' }),
  ];
  return runRounds(
    specs.map((spec) => ({ spec, cold: true, measure: firstAnswer })),
    plan,
  );
}
