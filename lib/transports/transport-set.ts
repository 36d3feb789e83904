/**
 * The transports of one gateway, whatever they are: which there are, which of them are open, what they count.
 *
 * S1. No two have one name.
 * S2. A transport that cannot be opened leaves none open that was opened with it.
 * S3. A transport that fails to close, or to tell its numbers, keeps no other from it.
 */
import { ToolError } from '../call/tool-error.ts';
import type { TransportLog } from './rendering/transport-log.ts';
import { newTransportMeter, type TransportMeter } from './rendering/transport-meter.ts';
import type { ContextBy, Opening, Transport, TransportEntry } from './transport.ts';

export interface TransportSetOptions {
  /** Those of the gateway. */
  readonly builtIn: readonly TransportEntry[];
  /** Those of its user. */
  readonly added: readonly Transport[];
  /** All settings; each transport is handed its own. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly log: TransportLog;
}

/** What the set adds to a context by itself. */
type Common<By extends Opening> = Omit<ContextBy[By], 'meter' | 'options'>;

interface OpenTransport {
  readonly entry: Pick<TransportEntry, 'name' | 'opens' | 'statsKey'>;
  readonly transport: Pick<Transport, 'closed' | 'stats' | 'close'>;
  readonly meter: TransportMeter;
}

export class TransportSet {
  readonly #entries: readonly TransportEntry[];
  readonly #settings: Readonly<Record<string, unknown>>;
  readonly #log: TransportLog;
  readonly #open = new Set<OpenTransport>();
  #isClosed = false;

  /** @throws {ToolError} invalid_arguments when two have one name, or one is no transport. */
  constructor({ builtIn, added, settings, log }: TransportSetOptions) {
    this.#entries = [...builtIn, ...added.map(entryOf)];
    this.#settings = settings;
    this.#log = log;
    const names = this.#entries.map(({ name }) => name);
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined) {
      throw new ToolError(
        'invalid_arguments',
        `two transports are named ${JSON.stringify(twice)}; rename one`,
      );
    }
  }

  /** The name of the transport that `opening` opens. */
  nameOf(opening: Opening): string {
    const [entry] = this.#entriesOf(opening);
    if (!entry) throw new Error(`there is no transport to ${opening}`);
    return entry.name;
  }

  /** Loads the code that `opening` will need; what cannot be loaded fails where it is opened. */
  preload(opening: Opening): void {
    for (const entry of this.#entriesOf(opening)) entry.load().catch(() => undefined);
  }

  /** Opens the transports for many clients, one after the other: the gateway's own, then those of its user. */
  async listen(context: Common<'listen'>): Promise<void> {
    const opened: OpenTransport[] = [];
    try {
      for (const entry of this.#entriesOf('listen')) opened.push(await this.#openOne(entry, context));
    } catch (error) {
      await Promise.all(opened.map((one) => this.#closeOne(one)));
      throw error;
    }
  }

  /** Opens a transport for one client, or one call, and closes it when that has gone. */
  async serve<By extends 'connect' | 'print'>(opening: By, context: Common<By>): Promise<void> {
    const served = this.#entriesOf(opening).map(async (entry) => {
      const opened = await this.#openOne(entry, context);
      try {
        await opened.transport.closed;
      } finally {
        await this.#closeOne(opened);
      }
    });
    await Promise.all(served);
  }

  /** What `/stats` shows of the transports that `listen` opened, and the keys that some of them have beside that. */
  stats(): {
    readonly transports: Readonly<Record<string, object>>;
    readonly [beside: string]: object | undefined;
  } {
    const transports: [string, object][] = [];
    const beside: [string, object][] = [];
    for (const { entry, transport, meter } of this.#open) {
      if (entry.opens !== 'listen') continue;
      const own = this.#statsOf(entry.name, transport);
      if (entry.statsKey !== undefined) beside.push([entry.statsKey, own]);
      transports.push([entry.name, entry.statsKey === undefined ? { ...meter, ...own } : meter]);
    }
    return { transports: Object.fromEntries(transports), ...Object.fromEntries(beside) };
  }

  /** Closes all that listens; more may be opened afterwards. */
  async stopListening(): Promise<void> {
    const listening = [...this.#open].filter(({ entry }) => entry.opens === 'listen');
    await Promise.all(listening.map((one) => this.#closeOne(one)));
  }

  /** Closes whatever is open, for good. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#open].map((one) => this.#closeOne(one)));
  }

  #entriesOf<By extends Opening>(opening: By): readonly TransportEntry<By>[] {
    const opens = (entry: TransportEntry): boolean => entry.opens === opening;
    return this.#entries.filter(opens) as unknown as readonly TransportEntry<By>[];
  }

  async #openOne<By extends Opening>(entry: TransportEntry<By>, context: Common<By>): Promise<OpenTransport> {
    const transport = await entry.load();
    if (this.#isClosed) throw new ToolError('unavailable', 'the gateway is closed; create another');
    const meter = newTransportMeter();
    const options = Object.fromEntries(
      Object.keys(entry.options).map((name) => [name, this.#settings[name]]),
    );
    await transport.open({ ...context, meter, options } as unknown as ContextBy[By]);
    const opened: OpenTransport = { entry, transport, meter };
    this.#open.add(opened);
    return opened;
  }

  async #closeOne(opened: OpenTransport): Promise<void> {
    this.#open.delete(opened);
    try {
      await opened.transport.close();
    } catch (error) {
      this.#log('error', 'a transport failed to close', { transport: opened.entry.name, error });
    }
  }

  #statsOf(name: string, transport: OpenTransport['transport']): object {
    try {
      return transport.stats?.() ?? {};
    } catch (error) {
      this.#log('error', 'a transport failed to tell its numbers', { transport: name, error });
      return {};
    }
  }
}

/** @throws {ToolError} invalid_arguments for what is no transport: JavaScript gives anything. */
function entryOf(given: Transport, at: number): TransportEntry {
  const { name, open, close } = (given ?? {}) as Partial<Transport>;
  if (typeof name !== 'string' || name === '' || typeof open !== 'function' || typeof close !== 'function') {
    throw new ToolError(
      'invalid_arguments',
      `transports[${at}] is no transport; expected an object with a name, open() and close()`,
    );
  }
  return { name, opens: 'listen', options: {}, rules: [], load: async () => given };
}
