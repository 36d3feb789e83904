/** What changes and is watched: models tell that they changed, components draw at most once a frame. */
import { useEffect, useState } from 'preact/hooks';

export class Emitter {
  readonly #listeners = new Set<() => void>();

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** @returns what ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

/** Draws the component again when one of them has changed; in a hidden tab frames do not come, so timers stand in. */
export function useChanges(...emitters: readonly Emitter[]): void {
  const [, redraw] = useState(0);
  useEffect(() => {
    let pending = false;
    const draw = () => {
      pending = false;
      redraw((count) => count + 1);
    };
    const schedule = () => {
      if (pending) return;
      pending = true;
      if (document.hidden) setTimeout(draw, 250);
      else requestAnimationFrame(draw);
    };
    const ends = emitters.map((emitter) => emitter.onChange(schedule));
    return () => {
      for (const end of ends) end();
    };
  }, emitters);
}

/** Draws the component again every `ms` while `isOn`. */
export function useTicks(ms: number, isOn: boolean): void {
  const [, redraw] = useState(0);
  useEffect(() => {
    if (!isOn) return;
    const timer = setInterval(() => redraw((count) => count + 1), ms);
    return () => clearInterval(timer);
  }, [ms, isOn]);
}
