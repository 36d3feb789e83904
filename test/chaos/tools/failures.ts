/** Tools that throw, in every way there is, and tools that take their thread with them. */
import { ToolError } from '../../../lib/call/tool-error.ts';
import { afterChunks, atOnce, forever, type Misbehaviour } from './misbehaviour.ts';

const trap = (): never => {
  throw new Error('a trap of the proxy');
};

const trapped = (): object =>
  new Proxy(
    {},
    { get: trap, has: trap, getPrototypeOf: trap, ownKeys: trap, getOwnPropertyDescriptor: trap },
  );

const throwing = (what: () => unknown) =>
  afterChunks(() => {
    throw what();
  });

/** Throws in its own time, outside the call's stack. */
const throwSoon = (what: () => unknown) =>
  setTimeout(() => {
    throw what();
  }, 5);

export const FAILURES: Readonly<Record<string, Misbehaviour>> = {
  'throw-error': throwing(() => new Error('a secret in /etc/path')),
  'throw-null': throwing(() => null),
  'throw-undefined': throwing(() => undefined),
  'throw-function': throwing(() => () => 1),
  'throw-symbol': throwing(() => Symbol('thrown')),
  'throw-bigint': throwing(() => 7n),
  'throw-proxy': throwing(trapped),
  'throw-revoked-proxy': throwing(() => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }),
  'throw-message-that-throws': throwing(() => Object.defineProperty(new Error(), 'message', { get: trap })),
  'throw-tool-error': afterChunks(({ nonce }) => {
    throw new ToolError('not_found', 'there is no such thing', { details: { nonce } });
  }),
  'throw-foreign-code': throwing(() => new ToolError('overloaded', 'not a tool’s to say')),
  'throw-cyclic-cause': throwing(() => {
    const error = new Error('around');
    return Object.assign(error, { cause: error });
  }),

  'overflow-stack': atOnce(() => {
    const deeper = (): number => 1 + deeper();
    return deeper();
  }),
  'abort-the-process': atOnce(() => process.abort()),
  'change-directory': atOnce(() => process.chdir('/')),

  'exit-at-once': atOnce(() => process.exit(1)),
  'exit-with-success': atOnce(() => process.exit(0)),
  'exit-mid-stream': afterChunks(() => process.exit(3)),
  'really-exit': atOnce(() => (process as unknown as { reallyExit(code: number): void }).reallyExit(4)),
  'throw-uncaught': afterChunks(() => {
    throwSoon(() => new Error('outside the call'));
    return forever();
  }),
  'throw-uncaught-null': afterChunks(() => {
    throwSoon(() => null);
    return forever();
  }),
  'reject-unheard': afterChunks(() => {
    void Promise.reject(new Error('nobody listens'));
    return forever();
  }),
  'reject-unheard-proxy': afterChunks(() => {
    void Promise.reject(trapped());
    return forever();
  }),
  'exit-from-microtask': atOnce(() => {
    queueMicrotask(() => process.exit(5));
    return forever();
  }),
  /** Answers, and takes its thread down when another call may be on it. */
  'throw-after-the-end': atOnce(({ nonce }) => {
    setTimeout(() => throwSoon(() => new Error('after the end')), 5);
    return { nonce };
  }),
  'reject-after-the-end': atOnce(({ nonce }) => {
    setTimeout(() => void Promise.reject(new Error('after the end')), 10);
    return { nonce };
  }),
  'exit-after-the-end': atOnce(({ nonce }) => {
    setTimeout(() => process.exit(6), 10);
    return { nonce };
  }),
};
