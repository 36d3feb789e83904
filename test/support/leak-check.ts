/**
 * Part of closing a test's gateway or pool: what it made must be gone, or the test that closes it fails.
 */
import { eventually } from './eventually.ts';

/** Handles that only gateways and pools hold open; their timers are unref'd and not listed. */
const WATCHED = ['MessagePort', 'TCPServerWrap', 'TCPSocketWrap', 'ProcessWrap'];

let open = 0;
let before = 0;

const handles = (): string[] => process.getActiveResourcesInfo().filter((name) => WATCHED.includes(name));

/**
 * Notes that a gateway or pool opens.
 * @returns what to await once it has closed; with the last one closed, it fails when handles are left.
 */
export function noteOpened(): () => Promise<void> {
  if (open++ === 0) before = handles().length;
  let isNoted = false;
  return async () => {
    if (isNoted) return;
    isNoted = true;
    open -= 1;
    const isClean = () => open > 0 || handles().length <= before;
    await eventually(isClean, { withinMs: 20_000 }).catch(() => {
      throw new Error(`handles leaked: ${handles().join(', ')} are open, ${before} were before`);
    });
  };
}
