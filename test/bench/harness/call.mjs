/**
 * Single calls from the harness itself, for workloads that time one answer and not a load. Each has a connection of its
 * own: a server that was blocked closes the kept ones when it comes to itself.
 */
import { Agent, request as httpRequest } from 'node:http';
import { burn } from '../servers/work.mjs';
import { toolRequest } from './requests.mjs';

const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });

/** @returns {promise of {status, text}, abandon()}: `abandon` closes the connection as a client that leaves does. */
export function startCall(contestant, { method = 'POST', path, headers = {}, body = '' }) {
  const sent = httpRequest(contestant.url + path, { method, headers, agent });
  const promise = new Promise((resolve, reject) => {
    sent.once('error', reject);
    sent.once('response', async (response) => {
      let text = '';
      response.setEncoding('utf8');
      for await (const part of response) text += part;
      resolve({ status: response.statusCode, text });
    });
  });
  sent.end(body);
  return { promise, abandon: () => sent.destroy() };
}

/** Calls a tool; gives the milliseconds it took. */
export async function timeCall(contestant, request) {
  const startedAt = performance.now();
  const { status, text } = await startCall(contestant, request).promise;
  if (status !== 200) throw new Error(`answered ${status}: ${text.slice(0, 200)}`);
  return performance.now() - startedAt;
}

const TRIAL = 50_000_000;
let iterationsPerMs;

/** A call of `burn` that takes about `ms` alone on a core of this machine; the best of some trials is one undisturbed. */
export function burnRequest(ms) {
  if (iterationsPerMs === undefined) {
    const trials = Array.from({ length: 6 }, () => {
      const startedAt = performance.now();
      burn(TRIAL);
      return performance.now() - startedAt;
    });
    iterationsPerMs = TRIAL / Math.min(...trials);
  }
  return toolRequest('burn', { iterations: Math.round(iterationsPerMs * ms) });
}
