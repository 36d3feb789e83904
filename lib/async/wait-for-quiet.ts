/** Waits for a state that announces itself by nothing, at an end that is near: what is under way may finish first. */
const LOOK_MS = 5;

/** Settles once `isQuiet`, which is asked every few milliseconds, or after `mostMs`. */
export async function waitForQuiet(isQuiet: () => boolean, mostMs: number): Promise<void> {
  const until = performance.now() + mostMs;
  while (!isQuiet() && performance.now() < until)
    await new Promise<void>((resolve) => setTimeout(resolve, LOOK_MS));
}
