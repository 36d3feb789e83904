/** `serve`: opens the port, says how to use it, and stops on a signal. */
import type { Config } from '../lib/config/options.ts';
import { createGateway } from '../lib/index.ts';
import type { ParentLink } from '../lib/supervise/parent-link.ts';
import { announcement } from './announcement.ts';
import { onStop } from './shutdown.ts';

export async function serve(config: Config, parent?: ParentLink): Promise<number> {
  const gateway = await createGateway({ ...config, preload: 'listen', makesCalls: false });
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
    isFirst
      ? announcement(config, listening, gateway.tools())
      : `mcp-streaming-gateway listens on ${listening.url} again\n`,
  );
  await stopped;
  return 0;
}
