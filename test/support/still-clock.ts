/** The clock of this process (`performance.now()`) in a test's hands: no pause of the machine counts. */
export interface StillClock {
  /** Moves it on. */
  pass(ms: number): void;
  /** It goes by itself again. */
  release(): void;
}

export function stillClock(): StillClock {
  let now = performance.now();
  performance.now = () => now;
  return {
    pass(ms) {
      now += ms;
    },
    release: () => void Reflect.deleteProperty(performance, 'now'),
  };
}
