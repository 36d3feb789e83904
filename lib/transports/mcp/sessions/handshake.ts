/**
 * Whether an `initialize` is one. Checked before a session exists, so that a handshake that fails leaves none behind.
 */
import { InitializeRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { INVALID_PARAMS, McpFault } from '../fault.ts';
import type { McpRequest } from '../message.ts';

/** @throws {McpFault} -32602, naming the member that is missing or wrong. */
export function checkHandshake({ method, params }: McpRequest): void {
  const [issue] = InitializeRequestSchema.safeParse({ method, params }).error?.issues ?? [];
  if (!issue) return;
  const member = issue.path.slice(1).map(String).join('.');
  throw new McpFault(
    INVALID_PARAMS,
    `initialize: ${member === '' ? 'params' : `"${member}"`}: ${issue.message}`,
  );
}
