/** The tools of "Piscina behind Express", as they are on its threads. */
import { burn as burnIterations, sleep } from './work.mjs';

export const echo = ({ text }) => ({ text });
export const echo_exclusive = echo;

export async function wait({ delayMs }) {
  await sleep(delayMs);
  return { text: 'waited' };
}

export const burn = ({ iterations }) => ({ state: burnIterations(iterations) });
