/**
 * JSON that is there as text already, within results of GraphQL.
 *
 * J1. What tools gave is pasted, never parsed: the executor carries it as one opaque leaf.
 */
import type { ExecutionResult, GraphQLError } from 'graphql';

export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A value for a leaf; null stands for what is not there. */
export const jsonOf = (value: unknown): JsonText | null =>
  value === undefined ? null : new JsonText(JSON.stringify(value));

/** A leaf of JSON that is text; null stands for none. */
export const textOf = (text: string | null): JsonText | null => (text === null ? null : new JsonText(text));

/** A result as JSON. @param errors in place of its own. */
export function resultText(
  data: ExecutionResult['data'],
  errors: readonly GraphQLError[] | undefined,
): string {
  const told = errors && errors.length > 0 ? `"errors":${JSON.stringify(errors)}` : '';
  if (data === undefined) return `{${told}}`;
  return `{${told}${told && ','}"data":${text(data)}}`;
}

/** The executor gives plain objects and lists, with leaves that are scalars or texts. */
function text(value: unknown): string {
  if (value instanceof JsonText) return value.text;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(text).join(',')}]`;
  let members = '';
  for (const name of Object.keys(value)) {
    members += `${members && ','}"${name}":${text((value as Record<string, unknown>)[name])}`;
  }
  return `{${members}}`;
}
