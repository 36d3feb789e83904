/**
 * The gateway's log: JSON lines on stderr, or readable ones where stderr is a terminal.
 *
 * L1. Nothing is ever written to stdout: over stdio it belongs to MCP.
 * L2. No transport thread: the log has to work while threads die, and a thread costs 50 MB.
 * L3. No key reaches the log, nor a control character (redact.ts).
 */
import { pino } from 'pino';
import { escapeControls, keyRedactor, redactUrl, replaceControls } from './redact.ts';

export type Logger = pino.Logger;

export type LogThreshold = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';

/** Takes finished lines, each with its newline. */
interface LineSink {
  write(line: string): unknown;
}

export interface LoggerOptions {
  readonly level: LogThreshold;
  /** Gives the keys that must not appear in the log; another list when there are others. */
  readonly keys: () => readonly string[];
  /** Where the lines go. Default: stderr. */
  readonly destination?: LineSink;
  /** Default: whether stderr is a terminal. */
  readonly isPretty?: boolean;
}

const PINO_LEVELS = { DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERROR: 'error' } as const;

const LEVEL_NAMES: Readonly<Record<string, LogThreshold>> = {
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
};

export async function createLogger(options: LoggerOptions): Promise<Logger> {
  const isPretty = options.isPretty ?? process.stderr.isTTY === true;
  const lines = isPretty ? await readable(options.destination) : (options.destination ?? stderrLines());
  const redact = keyRedactor(options.keys);
  const plain = isPretty ? replaceControls : escapeControls;
  return pino(
    {
      level: PINO_LEVELS[options.level],
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { url: redactUrl, error: pino.stdSerializers.err },
      redact: { paths: ['headers["x-api-key"]', 'headers.authorization'], censor: '[redacted]' },
      // pino-pretty reads pino's own level numbers only.
      ...(isPretty
        ? {}
        : { formatters: { level: (label: string) => ({ level: LEVEL_NAMES[label] ?? label }) } }),
    },
    { write: (line: string) => lines.write(plain(redact(line))) },
  );
}

/** Written off the main path; pino flushes what is left when the process exits. */
function stderrLines(): LineSink {
  return pino.destination({ dest: 2, sync: false });
}

/** A terminal is written synchronously, so that the last line is there when the process dies. */
async function readable(destination: LineSink = process.stderr): Promise<LineSink> {
  const { default: pinoPretty } = await import('pino-pretty');
  const prettify = pinoPretty.prettyFactory({
    colorize: destination === process.stderr,
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  });
  return { write: (line) => destination.write(prettify(line)) };
}
