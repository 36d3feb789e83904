/**
 * Bounds of one operation, found in its document before anything is executed.
 *
 * L1. Fragments are counted wherever they are spread, and looked at once: a few of them can spread each other a billion
 *     times.
 * L2. Introspection has no depth here: tools that show a schema ask deeply. Where it asks for itself, GraphQL's own rule
 *     has refused it before.
 * L3. What `@skip` leaves out is counted.
 * L4. A field goes by one name: under hundreds of aliases one result of a tool, or one introspection of two hundred tools,
 *     would become gigabytes. What tells one thing by its name (`tool`, `__type`) may be asked a few times.
 */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
  separateOperations,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { ToolError } from '../../../call/tool-error.ts';

/** Deeper than any field of the schema. */
const MAX_DEPTH = 5;

/** Whose fields are counted as calls, whatever their names. */
const CALLERS: ReadonlySet<string | undefined> = new Set(['Mutation', 'ToolCalls']);
/** How many names a field may have in one operation; all others have one. */
const MAX_NAMES: Readonly<Record<string, number>> = { 'Query.tool': 10, 'Query.__type': 2 };

/** @param document is valid: no fragment spreads itself. @throws {ToolError} too_complex */
export function checkLimits(
  schema: GraphQLSchema,
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
  checkNames(schema, separateOperations(document)[operation.name?.value ?? ''] ?? document);
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

/** L4 @throws {ToolError} too_complex */
function checkNames(schema: GraphQLSchema, document: DocumentNode): void {
  const namesOf = new Map<string, Set<string>>();
  const types = new TypeInfo(schema);
  const look = ({ name: { value: name }, alias }: FieldNode): void => {
    const parent = types.getParentType()?.name;
    if (CALLERS.has(parent)) return;
    const field = `${parent}.${name}`;
    const names = namesOf.get(field) ?? new Set();
    namesOf.set(field, names.add(alias?.value ?? name));
    const most = MAX_NAMES[field] ?? 1;
    if (names.size <= most) return;
    const times = most === 1 ? 'once' : `${most} times at most`;
    throw new ToolError('too_complex', `the operation takes "${name}" by several names; take it ${times}`);
  };
  visit(document, visitWithTypeInfo(types, { Field: look }));
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
