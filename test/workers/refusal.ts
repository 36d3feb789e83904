/**
 * Expects work to end with a ToolError, and gives it.
 */
import { expect } from 'chai';
import { ToolError } from '../../lib/call/tool-error.ts';

export async function refusalOf(work: Promise<unknown>): Promise<ToolError> {
  const thrown = await work.then(
    () => expect.fail('it was not refused'),
    (error: unknown) => error,
  );
  if (!ToolError.is(thrown)) throw thrown;
  return thrown;
}
