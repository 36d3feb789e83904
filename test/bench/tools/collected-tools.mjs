/**
 * The tools of the workloads in threads that collect their garbage when they are told to: what a process preloads stays out
 * of the gateway's threads, so the collector comes with the tools.
 */
import '../harness/collect-garbage.mjs';

export { default } from './bench-tools.mjs';
