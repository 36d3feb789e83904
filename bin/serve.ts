/** `serve`: opens the port, says how to use it, and stops on a signal. */
import { type Config, PUBLISHED_API_KEY } from '../lib/config/options.ts';
import { createGateway, type Listening } from '../lib/index.ts';
import type { ParentLink } from '../lib/supervise/parent-link.ts';
import { onStop } from './shutdown.ts';

export async function serve(config: Config, parent?: ParentLink): Promise<number> {
  const gateway = await createGateway({ ...config, preload: 'listen' });
  const stopped = new Promise<void>((resolve) => {
    onStop((reason) => {
      process.stderr.write(
        `${reason}: new calls are refused, running ones may end; once more stops at once\n`,
      );
      resolve(gateway.close());
    }, parent);
  });
  const keeper = await parent?.socketKeeper();
  const listening = await gateway.listen(keeper ? { keeper } : {});
  parent?.ready();
  const isFirst = keeper?.inherited === undefined;
  process.stderr.write(
    isFirst ? announcement(config, listening) : `mcp-streaming-gateway listens on ${listening.url} again\n`,
  );
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
