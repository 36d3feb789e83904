/**
 * The program of a child process: a host behind the pipe to its gateway.
 *
 * M1. It is the leader of a process group. When the gateway closes the pipe, or is gone, it ends with the whole group:
 *     what tools have started, too.
 */
import { Socket } from 'node:net';
import { Host } from '../host/host.ts';
import type { HostReport, HostRequest } from '../host/link-frames.ts';
import { PipeLink } from '../host/pipe-link.ts';
import { LINK_FD } from './descriptors.ts';

// Half open, so that the gateway sees it close when this process has ended, and no sooner.
const pipe = new Socket({ fd: LINK_FD, allowHalfOpen: true });
const link = new PipeLink<HostReport, HostRequest>(pipe, Number.POSITIVE_INFINITY);

new Host(link, () => {
  // On Windows there are no groups.
  if (process.platform !== 'win32') process.kill(-process.pid, 'SIGKILL');
  process.exit();
});
