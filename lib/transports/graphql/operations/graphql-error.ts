/**
 * Errors as GraphQL has them: the gateway's code, and all else that it tells of an error, in `extensions`.
 *
 * E1. What is wrong with a request has a code too: parse_error, invalid_request, too_complex.
 * E2. What is thrown by our own code is logged, and told as `internal`.
 */
import { GraphQLError } from 'graphql';
import { ToolError } from '../../../call/tool-error.ts';
import { detailsOf } from '../../rendering/error-rendering.ts';
import type { TransportLog } from '../../rendering/transport-log.ts';

/** @param callId of the call that it is the end of. */
export function graphqlError(error: ToolError, callId?: string): GraphQLError {
  const { code, message, status, retryable, retryAfterMs } = error;
  return new GraphQLError(message, {
    extensions: { code, status, retryable, callId, details: detailsOf(error), retryAfterMs },
  });
}

/** The same with what GraphQL knows of it: where in the request it is wrong. */
export const withCode = (
  error: GraphQLError,
  code: 'parse_error' | 'invalid_request' | 'too_complex',
): GraphQLError =>
  new GraphQLError(error.message, {
    nodes: error.nodes ?? null,
    source: error.source ?? null,
    positions: error.positions ?? null,
    path: error.path ?? null,
    extensions: { code, status: 400, retryable: false },
  });

/** What the executor tells, each with a code. */
export function withCodes(
  errors: readonly GraphQLError[] | undefined,
  log: TransportLog,
): readonly GraphQLError[] | undefined {
  return errors?.map((error) => {
    if (error.extensions['code'] !== undefined) return error;
    const { originalError, path } = error;
    const isOurs =
      path !== undefined && originalError !== undefined && !(originalError instanceof GraphQLError);
    if (!isOurs) return withCode(error, 'invalid_request');
    log('error', 'a field could not be told', { error: originalError });
    const { message, extensions } = graphqlError(new ToolError('internal', 'the field could not be told'));
    return new GraphQLError(message, { nodes: error.nodes ?? null, path, extensions });
  });
}

/** A request that is refused before anything of it was executed. */
export class Refusal extends Error {
  readonly errors: readonly GraphQLError[];
  readonly status: number;
  /** True: it was a request of GraphQL, and its document or its variables are wrong. */
  readonly isOfGraphql: boolean;

  constructor(errors: readonly GraphQLError[], { status = 400, isOfGraphql = true } = {}) {
    super(errors[0]?.message);
    this.errors = errors;
    this.status = status;
    this.isOfGraphql = isOfGraphql;
  }

  /** Of what is no request of GraphQL yet. */
  static of(error: ToolError): Refusal {
    return new Refusal([graphqlError(error)], { status: error.status, isOfGraphql: false });
  }
}
