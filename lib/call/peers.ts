/**
 * The other gateways of a fleet, as whoever serves clients sees them: what all of them know, and what one tells another.
 * A gateway by itself has none.
 */
export interface Peers {
  /** What this gateway is called in what clients bring back elsewhere; it says nothing of its machine. */
  readonly place: string;
  /**
   * What is known under a name; empty: nothing.
   * @param keepMs from now on it is kept so much longer. @throws {ToolError} `unavailable`, as all that asks.
   */
  read(name: string, keepMs?: number): Promise<Readonly<Record<string, string>>>;
  write(name: string, fields: Readonly<Record<string, string>>, keepMs: number): Promise<void>;
  /** Writes a field that nobody has written, of a name that is known. @returns what is there now; undefined: no such name. */
  claim(name: string, field: string, value: string): Promise<string | undefined>;
  /** @param fields those that are forgotten. Default: all. */
  forget(name: string, ...fields: readonly string[]): Promise<void>;
  /** Adds to a log, of which the newest entries are kept. @returns the entry's id. */
  append(log: string, text: string, keepMs: number): Promise<string>;
  /** What followed in a log. */
  since(log: string, id: string): Promise<readonly { readonly id: string; readonly text: string }[]>;
  /** @returns false where it is known that nobody is there. */
  tell(place: string, topic: string, text: string): Promise<boolean>;
  /** Tells every other gateway. */
  tellAll(topic: string, text: string): Promise<void>;
  /** Calls `listener`, which must not throw, when this gateway goes and clients are better off at another. */
  onLeaving(listener: () => void): void;
  /** @param listener must not throw. */
  onTold(topic: string, listener: (text: string, from: string) => void): void;
}
