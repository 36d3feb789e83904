/** A call's values against the schemas of its tool. Most checks answer at once; only asynchronous rules are awaited. */

import { ToolError } from '../lib/call/tool-error.ts';
import type { CallTask } from '../lib/runners/threads/port/frames.ts';
import { isBranded } from '../lib/tool/brand.ts';
import { content, type ToolContent } from '../lib/tool/content.ts';
import { invalidArguments } from './call-error.ts';
import { hasOwn, parse } from './intrinsics/captured.ts';
import { isJson } from './json-value.ts';
import type { Check, Checked, SchemaIssue } from './loading/schema.ts';
import { resultText } from './result-text.ts';

/** Not by `instanceof`, whose meaning a tool can change. */
const isAnswer = (checking: Checked | Promise<Checked>): checking is Checked => hasOwn(checking, 'ok');

/** @returns the arguments as the schema gives them. @throws {ToolError} `invalid_arguments` with the issues. */
export async function checkInput(task: CallTask, check: Check | null): Promise<unknown> {
  if (!check) return task.arguments;
  const checking = check.run(task.arguments);
  const checked = isAnswer(checking) ? checking : await checking;
  if (checked.ok) return checked.value;
  throw invalidArguments(task.name, checked.issues);
}

/**
 * Checks what a tool returned, whatever it looks like: of ready-made content the structured part, unless that tells of
 * an error.
 * @throws like `checkOwn`.
 */
export async function checkOutput(
  task: CallTask,
  check: Check | null,
  value: unknown,
  maxBytes: number,
): Promise<unknown> {
  if (!check) return value;
  if (!isBranded('content', value)) return checkOwn(task, check, value, 'the result', maxBytes);
  const { content: blocks, ...more } = value as ToolContent;
  if (more.isError === true) return value;
  const what = 'the structuredContent of the result';
  const structuredContent = (await checkOwn(task, check, more.structuredContent, what, maxBytes)) as object;
  return content(blocks, { ...more, structuredContent: structuredContent as Record<string, unknown> });
}

/**
 * @returns the value as the schema gives it; of one that is not JSON itself, where only what JSON makes of it fits,
 * that.
 * @throws {ToolError} `tool_failed` with the issues, where the tool's own value does not fit its schema.
 */
export async function checkOwn(
  task: CallTask,
  check: Check,
  value: unknown,
  what: string,
  maxBytes: number,
): Promise<unknown> {
  const isTaken = check.takes === 'value' || (check.takes === 'json' && isJson(value));
  let issues: readonly SchemaIssue[] = [];
  if (isTaken) {
    const checking = check.run(value);
    const checked = isAnswer(checking) ? checking : await checking;
    if (checked.ok) return checked.value;
    issues = checked.issues;
  }
  if (!isTaken || !isJson(value)) {
    const checked = await check.run(parse(resultText(value, maxBytes, what)));
    if (checked.ok) return checked.value;
    if (!isTaken) issues = checked.issues;
  }
  const [first] = issues;
  const where = first === undefined ? '' : `: ${first.path ? `${first.path}: ` : ''}${first.message}`;
  throw new ToolError('tool_failed', `${what} of "${task.name}" does not fit the tool's own schema${where}`, {
    details: { issues },
  });
}
