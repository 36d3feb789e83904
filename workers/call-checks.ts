/** A call's values against the schemas of its tool. Most checks answer at once; only asynchronous rules are awaited. */

import { ToolError } from '../lib/call/tool-error.ts';
import type { CallTask } from '../lib/runners/threads/port/frames.ts';
import { isToolContent } from '../lib/tool/content.ts';
import { invalidArguments } from './call-error.ts';
import { hasOwn } from './intrinsics/captured.ts';
import type { Check, Checked } from './loading/schema.ts';

/** Not by `instanceof`, whose meaning a tool can change. */
const isAnswer = (checking: Checked | Promise<Checked>): checking is Checked => hasOwn(checking, 'ok');

/** @returns the arguments as the schema gives them. @throws {ToolError} `invalid_arguments` with the issues. */
export async function checkInput(task: CallTask, check: Check | null): Promise<unknown> {
  if (!check) return task.arguments;
  const checking = check(task.arguments);
  const checked = isAnswer(checking) ? checking : await checking;
  if (checked.ok) return checked.value;
  throw invalidArguments(task.name, checked.issues);
}

/** Checks what a tool returned, unless it is nothing or ready-made content. @throws like `checkOwn`. */
export async function checkOutput(task: CallTask, check: Check | null, value: unknown): Promise<unknown> {
  return check && value !== undefined && !isToolContent(value)
    ? checkOwn(task, check, value, 'the result')
    : value;
}

/** @throws {ToolError} `tool_failed` with the issues, where the tool's own value does not fit its schema. */
export async function checkOwn(task: CallTask, check: Check, value: unknown, what: string): Promise<unknown> {
  const checking = check(value);
  const checked = isAnswer(checking) ? checking : await checking;
  if (checked.ok) return checked.value;
  throw new ToolError('tool_failed', `${what} of "${task.name}" does not fit the tool's own schema`, {
    details: { issues: checked.issues },
  });
}
