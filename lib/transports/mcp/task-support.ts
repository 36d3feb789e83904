/**
 * Which tools run as tasks, as their authors say in `meta`, and which clients can be given one.
 *
 * In 2025-11-25 the client asks for a task, and gets one of any tool that does not refuse. Since 2026-07-28 tasks are an
 * extension where the server decides: a tool that says nothing is never made one.
 */
import type { ToolDescriptor } from '../../call/catalog.ts';
import { META_PREFIX } from './era.ts';
import { isObject, type Params } from './message.ts';

/** Name of the extension, in the capabilities of both sides. */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** `required`: the tool takes so long that a client without tasks is refused. */
export type TaskSupport = 'forbidden' | 'optional' | 'required';

const SUPPORT: readonly unknown[] = ['forbidden', 'optional', 'required'] satisfies TaskSupport[];

/** What a tool says; undefined: nothing. */
export function taskSupportOf(tool: ToolDescriptor | undefined): TaskSupport | undefined {
  const said = tool?.meta?.[`${META_PREFIX}taskSupport`];
  return SUPPORT.includes(said) ? (said as TaskSupport) : undefined;
}

/** Whether a tool first asks its client what it needs to know, and becomes a task afterwards. */
export function asksBeforeTask(tool: ToolDescriptor | undefined): boolean {
  return tool?.meta?.[`${META_PREFIX}asksBeforeTask`] === true;
}

/** Whether a request's capabilities have the extension. */
export function declaresTasks(capabilities: Params): boolean {
  const { extensions } = capabilities;
  return isObject(extensions) && isObject(extensions[TASKS_EXTENSION]);
}
