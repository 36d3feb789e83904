/**
 * `healthcheck`: asks the gateway that runs with the same options whether it is ready. For containers, whose images
 * have neither curl nor wget.
 *
 * C1. One line, and exit code 0 or 1: Docker keeps the others for itself.
 */
import { get as getOverHttp } from 'node:http';
import { get as getOverHttps } from 'node:https';
import type { Config } from '../lib/config/options.ts';

/** Long enough for a busy machine, and shorter than what a container gives its check. */
const PATIENCE_MS = 5000;
/** What listens on all addresses is asked on the machine's own. */
const LOOPBACK: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** @returns the exit code. */
export async function checkHealth({ host, port, tlsCert }: Config): Promise<number> {
  const name = host.replace(/^\[(.*)\]$/, '$1');
  const address = LOOPBACK[name] ?? name;
  const authority = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  const url = `${tlsCert ? 'https' : 'http'}://${authority}/health/ready`;
  if (port === 0) {
    process.stderr.write(
      'mcp-streaming-gateway: not checked: PORT is 0; name the port with --port or PORT\n',
    );
    return 1;
  }
  try {
    const { status, text } = await fetched(url);
    const isReady = status === 200;
    const line = `${url} answers ${status} ${text}`.trimEnd();
    if (isReady) process.stdout.write(`ready: ${line}\n`);
    else process.stderr.write(`mcp-streaming-gateway: not ready: ${line}\n`);
    return isReady ? 0 : 1;
  } catch (error) {
    process.stderr.write(`mcp-streaming-gateway: not ready: ${url} does not answer (${reasonOf(error)})\n`);
    return 1;
  }
}

/** Connecting by a name that has several addresses fails with an error a piece, and no message. */
function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return message || code || String(error);
}

function fetched(url: string): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    // Nothing secret is sent, and the certificate is of the name that others call this machine by.
    const options = { agent: false as const, rejectUnauthorized: false };
    const get = url.startsWith('https:') ? getOverHttps : getOverHttp;
    const request = get(url, options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text = (text + part).slice(0, 200);
      });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what answers there may be any program.
      const line = () => text.replace(/[\x00-\x20\x7f-\x9f]+/g, ' ');
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: line() }));
      response.on('error', reject);
    });
    const giveUp = () => request.destroy(new Error(`no answer within ${PATIENCE_MS / 1000} s`));
    const timer = setTimeout(giveUp, PATIENCE_MS);
    request.on('close', () => clearTimeout(timer));
    request.on('error', reject);
  });
}
