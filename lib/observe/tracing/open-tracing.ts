/**
 * Tracing where somebody has registered an OpenTelemetry SDK before the gateway was made, and nothing at all elsewhere.
 *
 * O1. An SDK is known by the global that the API keeps its parts in. Looking there costs nothing; the API itself, which
 *     the SDK's owner has installed, is loaded only behind it.
 */
import type { CallTracer } from '../../call/call-tracer.ts';
import type { Logger } from '../logger.ts';

const GLOBAL = Symbol.for('opentelemetry.js.api.1');

/** @returns undefined where no SDK is registered, or its API cannot be had, which the log tells. */
export async function openTracing(version: string, log: Logger): Promise<CallTracer | undefined> {
  const registered = (globalThis as { [GLOBAL]?: { readonly trace?: unknown } })[GLOBAL];
  if (!registered?.trace) return undefined;
  try {
    const { OtelTracer } = await import('./otel-tracer.ts');
    return new OtelTracer(version, (error) => log.warn({ err: error }, 'the OpenTelemetry SDK has failed'));
  } catch (error) {
    log.warn(
      { reason: (error as Error).message },
      'an OpenTelemetry SDK is registered, but @opentelemetry/api cannot be loaded here: no spans are written; ' +
        'npm install @opentelemetry/api beside the gateway',
    );
    return undefined;
  }
}
