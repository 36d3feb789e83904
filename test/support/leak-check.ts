/**
 * After each test: what gateways and pools make must be gone once they are closed. Suites that keep one open across
 * their tests are checked when it closes.
 */
import { eventually } from './eventually.ts';

/** Handles that only gateways and pools hold open; timers are unref'd or owned by them. */
const WATCHED = ['MessagePort', 'TCPServerWrap', 'TCPSocketWrap'];

let open = 0;
let before = 0;
let isPending = false;

const handles = (): string[] => process.getActiveResourcesInfo().filter((name) => WATCHED.includes(name));

/** Notes that a gateway or pool opens; @returns what to call when it has closed. */
export function noteOpened(): () => void {
  if (open++ === 0) before = handles().length;
  let isNoted = false;
  return () => {
    if (isNoted) return;
    isNoted = true;
    if (--open === 0) isPending = true;
  };
}

export const mochaHooks = {
  async afterEach(): Promise<void> {
    if (open > 0 || !isPending) return;
    isPending = false;
    try {
      await eventually(() => handles().length <= before, { withinMs: 5000 });
    } catch {
      throw new Error(
        `handles leaked: ${handles().join(', ')} are open; ${before} were before the test's gateway`,
      );
    }
  },
};
