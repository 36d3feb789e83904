/**
 * Runs a tool's `run` without a gateway, behind the tool's own input check, and keeps everything it says.
 */

import type { z } from 'zod';
import { ToolError } from '../../lib/call/tool-error.ts';
import type { ToolContext, ToolDefinition } from '../../lib/tool/define-tool.ts';
import { asyncIteratorOf } from '../../workers/async-stream.ts';

export interface DirectCall {
  readonly chunks: unknown[];
  readonly progress: [number, number | null | undefined, string | undefined][];
  readonly meta: Record<string, unknown>;
  readonly updated: string[];
  listChanges: number;
  result: unknown;
}

export async function callDirectly(
  tool: ToolDefinition,
  input: unknown,
  signal: AbortSignal = new AbortController().signal,
  onProgress: (value: number) => void = () => {},
): Promise<DirectCall> {
  const call: DirectCall = {
    chunks: [],
    progress: [],
    meta: {},
    updated: [],
    listChanges: 0,
    result: undefined,
  };
  const nobody = async () => {
    throw new ToolError('failed_precondition', 'nobody to ask');
  };
  const context: ToolContext = {
    signal,
    progress(value, total, message) {
      call.progress.push([value, total, message]);
      onProgress(value);
    },
    log() {},
    meta: call.meta,
    requestMeta: {},
    trace: undefined,
    callId: 'direct',
    caller: { keyId: 'test', transport: 'cli' },
    resourceUpdated: (uri) => call.updated.push(uri),
    resourcesChanged: () => call.listChanges++,
    elicit: nobody,
    sample: nobody,
    roots: nobody,
  };
  const parsed = (tool.input as z.ZodType).safeParse(input);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message, code }) => ({
      path: path.join('.'),
      message,
      code,
    }));
    throw new ToolError('invalid_arguments', 'the schema refuses', { details: { issues } });
  }
  let result: unknown = await tool.run(parsed.data as Record<string, unknown>, context);
  const stream = asyncIteratorOf(result);
  while (stream) {
    const { done, value } = await stream.next();
    if (done) {
      result = value;
      break;
    }
    call.chunks.push(value);
  }
  return { ...call, result };
}
