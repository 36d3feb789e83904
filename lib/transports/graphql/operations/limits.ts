/**
 * Bounds of one operation, found in its document before anything is executed.
 *
 * L1. Fragments are counted wherever they are spread, and looked at once: a few of them can spread each other a billion
 *     times.
 * L2. Introspection has no depth here: tools that show a schema ask deeply. Where it asks for itself, GraphQL's own rule
 *     has refused it before.
 * L3. What `@skip` leaves out is counted.
 */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
} from 'graphql';
import { ToolError } from '../../../call/tool-error.ts';

/** Deeper than any field of the schema. */
const MAX_DEPTH = 5;

/** @param document is valid: no fragment spreads itself. @throws {ToolError} too_complex */
export function checkLimits(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  maxCalls: number,
): void {
  const depth = foldSelections(document, 0, Math.max, (field, below) =>
    field.name.value.startsWith('__') ? 0 : 1 + (field.selectionSet ? below(field.selectionSet) : 0),
  );
  if (depth(operation.selectionSet) > MAX_DEPTH) {
    throw new ToolError('too_complex', `the operation is deeper than ${MAX_DEPTH} levels`);
  }
  if (operation.operation !== OperationTypeNode.MUTATION) return;
  const calls = foldSelections(document, 0, (one, other) => one + other, callsOf)(operation.selectionSet);
  if (calls > maxCalls) {
    const most = maxCalls === 1 ? 'one call' : `${maxCalls} calls`;
    throw new ToolError(
      'too_complex',
      `the operation makes more than ${most} (GRAPHQL_CALLS); send the others apart`,
    );
  }
}

type Below = (selections: SelectionSetNode) => number;

/** A field of Mutation, or one of those below its `tools`. */
function callsOf({ name: { value: name }, selectionSet }: FieldNode, below: Below): number {
  if (name.startsWith('__')) return 0;
  return name === 'tools' && selectionSet ? below(selectionSet) : 1;
}

/** A number of a selection set, put together from those of its fields. */
function foldSelections(
  { definitions }: DocumentNode,
  empty: number,
  join: (one: number, other: number) => number,
  ofField: (field: FieldNode, below: Below) => number,
): Below {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  const known = new Map<string, number>();
  const ofFragment = (name: string): number => {
    let number = known.get(name);
    if (number === undefined) {
      const fragment = fragments.get(name);
      number = fragment ? below(fragment.selectionSet) : empty;
      known.set(name, number);
    }
    return number;
  };
  const below: Below = ({ selections }) =>
    selections.reduce((sum, selection) => {
      if (selection.kind === Kind.FIELD) return join(sum, ofField(selection, below));
      if (selection.kind === Kind.INLINE_FRAGMENT) return join(sum, below(selection.selectionSet));
      return join(sum, ofFragment(selection.name.value));
    }, empty);
  return below;
}
