/**
 * The levels of log records, of tools and of the gateway.
 */

export type LogLevel = 'debug' | 'info' | 'warning' | 'error';

/** Levels in order, for comparing. */
export const LOG_RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warning: 2, error: 3 };
