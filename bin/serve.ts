/** `serve`: opens the port, says how to use it, and stops on a signal. */
import { type Config, PUBLISHED_API_KEY } from '../lib/config/options.ts';
import { createGateway, type Listening } from '../lib/index.ts';
import { onSignal } from './shutdown.ts';

export async function serve(config: Config): Promise<number> {
  const gateway = await createGateway({ ...config, preload: 'listen' });
  const stopped = new Promise<void>((resolve) => {
    onSignal((signal) => {
      process.stderr.write(
        `${signal}: new calls are refused, running ones may end; once more stops at once\n`,
      );
      resolve(gateway.close());
    });
  });
  const listening = await gateway.listen();
  process.stderr.write(announcement(config, listening));
  await stopped;
  return 0;
}

/** What a person needs to make the first call. */
function announcement(config: Config, { url, endpoints }: Listening): string {
  const isPublishedKey = config.auth && config.apiKeys.includes(PUBLISHED_API_KEY);
  const key = isPublishedKey ? PUBLISHED_API_KEY : '$API_KEY';
  const width = Math.max(...endpoints.map(({ path }) => path.length));
  return [
    `mcp-streaming-gateway listens on ${url}`,
    '',
    ...endpoints.map(
      ({ method, path, description }) => `  ${method.padEnd(6)} ${path.padEnd(width)}  ${description}`,
    ),
    '',
    ...(isPublishedKey
      ? [`The key is ${PUBLISHED_API_KEY}. Everybody knows it: set API_KEY to one of your own.`, '']
      : []),
    'Watch a tool at work:',
    '',
    `  curl -N ${url}/tools/primes_tool/stream${config.auth ? ` -H "X-API-Key: ${key}"` : ''} ` +
      `-H "Content-Type: application/json" -d '{"arguments": {"from": 0, "to": 2500000000}}'`,
    '',
    '',
  ].join('\n');
}
