/** The runners that a gateway starts, one line each. They are loaded when they are started. */
export { process } from './process/index.ts';
export { threads } from './threads/index.ts';
export { upstream } from './upstream/index.ts';
