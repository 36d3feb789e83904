/**
 * What a running tool may ask the client that called it: MCP elicitation, sampling and roots.
 *
 * A1. Where the client or its transport cannot answer, the promise rejects with `failed_precondition`.
 * A2. A cancelled call rejects its open questions.
 */
import type { JsonSchema } from '../call/catalog.ts';

/** A form to fill in, as MCP's `elicitation/create` has it. */
export interface ElicitForm {
  /** Name of the question, for clients that see several at once; default: its kind and number. */
  readonly key?: string;
  readonly message: string;
  /** A flat object schema of primitive properties. */
  readonly requestedSchema: JsonSchema;
}

/** A page to visit, as MCP's URL-mode elicitation has it. */
export interface ElicitUrl {
  /** Name of the question, for clients that see several at once; default: its kind and number. */
  readonly key?: string;
  readonly message: string;
  readonly url: string;
}

export interface ElicitAnswer {
  readonly action: 'accept' | 'decline' | 'cancel';
  readonly content?: Readonly<Record<string, unknown>>;
}

/** Parameters of MCP's `sampling/createMessage`. */
export interface SampleRequest {
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly content: unknown }[];
  readonly maxTokens: number;
  readonly systemPrompt?: string;
  /** Name of the question, for clients that see several at once; default: its kind and number. */
  readonly key?: string;
  readonly [key: string]: unknown;
}

export interface AskClient {
  /** Asks the person behind the client. @throws {ToolError} `failed_precondition` where nobody can be asked. */
  elicit(request: ElicitForm | ElicitUrl): Promise<ElicitAnswer>;
  /** Asks the client's model. @throws {ToolError} `failed_precondition` where the client has none. */
  sample(request: SampleRequest): Promise<Readonly<Record<string, unknown>>>;
  /** Asks for the client's roots. @throws {ToolError} `failed_precondition` where the client has none. */
  roots(): Promise<Readonly<Record<string, unknown>>>;
}
