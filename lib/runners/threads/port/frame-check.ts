/**
 * Whether what came through a thread's port is a frame of its shape. A tool can reach the port with enough malice; what
 * it posts there must not be taken for a defect of the gateway, nor become one.
 *
 * Looked at for each frame, so no more than the fields that the gateway works with.
 */
import { ERROR_CODES } from '../../../call/error-code.ts';
import { LOG_RANK } from '../../../call/log-level.ts';
import type { ThreadFrame } from './frames.ts';

type Fields = { readonly [field: string]: unknown };

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string';
const isNumberOrNull = (value: unknown): boolean => value === null || typeof value === 'number';
/** Averages are made of them, which one that is no number would spoil for good; how long it may be is the call's to say. */
const isDuration = (value: unknown): boolean => Number.isFinite(value) && (value as number) >= 0;
const isDurationOrNull = (value: unknown): boolean => value === null || isDuration(value);

/** Whether a text may have so many lines, none of which is empty: they are counted on before they are looked at. */
const isCountOf = (count: unknown, text: string): boolean =>
  Number.isInteger(count) && (count as number) > 0 && (count as number) * 2 - 1 <= text.length;

/** A catalog's lists; what is in them was made by the machinery of the thread, at its start. */
const isCatalog = (value: unknown): boolean =>
  isObject(value) &&
  Array.isArray(value['tools']) &&
  Array.isArray(value['resources']) &&
  Array.isArray(value['prompts']);

export function isThreadFrame(frame: unknown): frame is ThreadFrame {
  if (!isObject(frame)) return false;
  const { type: kind, call } = frame as { readonly type?: ThreadFrame['type']; readonly call?: unknown };
  switch (kind) {
    case 'chunks':
      return (
        typeof call === 'number' &&
        typeof frame['index'] === 'number' &&
        typeof frame['text'] === 'string' &&
        isCountOf(frame['count'], frame['text'])
      );
    case 'result':
      return (
        typeof call === 'number' &&
        isTextOrNull(frame['data']) &&
        isTextOrNull(frame['meta']) &&
        typeof frame['chunks'] === 'number' &&
        isDuration(frame['ranMs'])
      );
    case 'started':
    case 'refused':
      return typeof call === 'number';
    case 'progress':
      return (
        typeof call === 'number' &&
        typeof frame['progress'] === 'number' &&
        isNumberOrNull(frame['total']) &&
        typeof frame['message'] === 'string'
      );
    case 'error':
      return typeof call === 'number' && isWireError(frame['error']) && isDurationOrNull(frame['ranMs']);
    case 'log':
      return (
        isNumberOrNull(call) &&
        typeof frame['message'] === 'string' &&
        Object.hasOwn(LOG_RANK, frame['level'] as string)
      );
    case 'ask':
      return (
        typeof call === 'number' && typeof frame['ask'] === 'number' && typeof frame['method'] === 'string'
      );
    case 'pong':
      return (
        typeof frame['heapUsedBytes'] === 'number' &&
        typeof frame['heldBytes'] === 'number' &&
        typeof frame['utilization'] === 'number'
      );
    case 'notice':
      return isNotice(frame['notice']);
    case 'retiring':
      return typeof frame['reason'] === 'string';
    case 'hello':
      return (
        isTextOrNull(frame['failure']) &&
        isNumberOrNull(frame['threadId']) &&
        isNumberOrNull(frame['kernelId'])
      );
    case 'described':
      return isTextOrNull(frame['failure']) && (frame['catalog'] === null || isCatalog(frame['catalog']));
    default: {
      kind satisfies undefined;
      return false;
    }
  }
}

const isWireError = (error: unknown): boolean =>
  isObject(error) &&
  typeof error['message'] === 'string' &&
  Object.hasOwn(ERROR_CODES, error['code'] as string);

const isNotice = (notice: unknown): boolean =>
  isObject(notice) &&
  (notice['type'] === 'resources-changed' ||
    (notice['type'] === 'resource-updated' && typeof notice['uri'] === 'string'));
