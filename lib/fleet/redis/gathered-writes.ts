/**
 * Several commands in one write: what is sent to a server within one turn of the event loop leaves together at its end.
 * A system call a command would be the largest part of what a small call costs, here and in Redis.
 */
import type { Redis } from 'ioredis';

/** From its next connection on. */
export function gatherWrites(client: Redis): void {
  client.on('connect', () => {
    const { stream } = client;
    const write = stream.write as (...args: unknown[]) => boolean;
    let isGathering = false;
    const leave = () => {
      isGathering = false;
      stream.uncork();
    };
    stream.write = ((...args: unknown[]) => {
      if (!isGathering) {
        isGathering = true;
        stream.cork();
        setImmediate(leave);
      }
      return write.apply(stream, args);
    }) as typeof stream.write;
  });
}
