/**
 * A form made from a JSON Schema. The value is its owner's: every change makes a new one. What no field fits is edited
 * as JSON, and nothing is checked here but that: the gateway does.
 */
import { type ComponentChildren, createContext } from 'preact';
import { useContext, useId, useState } from 'preact/hooks';
import type { Issue, Json, Schema } from './gateway.ts';
import { JsonBox } from './json-box.tsx';
import { ScalarInput } from './scalar-input.tsx';
import {
  type FieldPlan,
  firstValue,
  isObject,
  planOf,
  propertiesOf,
  requiredOf,
  variantName,
  variantOf,
} from './schema.ts';

type Path = readonly (string | number)[];
type Change = (value: Json | undefined) => void;

interface FieldProps {
  readonly schema: Schema;
  readonly value: Json | undefined;
  readonly onChange: Change;
  readonly path: Path;
  readonly label: string;
  readonly isRequired: boolean;
}

const Form = createContext<{ readonly root: Schema; readonly issues: readonly Issue[] }>({
  root: {},
  issues: [],
});

/** A place in the arguments as one text, however an issue names it. */
export function pathText(path: Issue['path'] | Path): string {
  const parts = typeof path === 'string' ? path.split(/[./[\]]+/) : path.map(String);
  return parts.filter((part) => part !== '' && part !== '$').join('/');
}

export function SchemaForm(props: {
  readonly schema: Schema;
  readonly value: Json;
  readonly onChange: (value: Json) => void;
  readonly issues?: readonly Issue[];
}) {
  const { schema, value, onChange, issues = [] } = props;
  const plan = planOf(schema, schema);
  const isEmpty = plan.kind === 'object' ? propertiesOf(plan.schema).length === 0 : plan.kind === 'json';
  const hasNone = isEmpty && Object.keys((plan.schema['properties'] as object) ?? {}).length === 0;
  const change: Change = (next) => onChange(next ?? {});
  return (
    <Form.Provider value={{ root: schema, issues }}>
      <Issues path={[]} />
      {hasNone &&
      plan.schema['additionalProperties'] !== undefined &&
      isObject(plan.schema['additionalProperties']) ? (
        <JsonField {...{ schema, value, path: [], label: 'Arguments', isRequired: true }} onChange={change} />
      ) : hasNone ? (
        <p class="muted">This tool takes no arguments.</p>
      ) : plan.kind === 'object' ? (
        <Properties plan={plan} value={value} onChange={change} path={[]} />
      ) : (
        <Field {...{ schema, value, path: [], label: 'Arguments', isRequired: true }} onChange={change} />
      )}
    </Form.Provider>
  );
}

function Issues({ path, id }: { readonly path: Path; readonly id?: string }) {
  const own = issuesAt(useContext(Form).issues, path);
  if (own.length === 0) return null;
  return (
    <p class="issue" id={id}>
      {own.map(({ message }) => message).join('; ')}
    </p>
  );
}

const issuesAt = (issues: readonly Issue[], path: Path): readonly Issue[] =>
  issues.filter((issue) => pathText(issue.path) === pathText(path));

function Properties(props: Pick<FieldProps, 'value' | 'onChange' | 'path'> & { readonly plan: FieldPlan }) {
  const { plan, value, onChange, path } = props;
  const required = requiredOf(plan.schema);
  const members = isObject(value) ? value : {};
  return (
    <div class="fields">
      {propertiesOf(plan.schema).map(([name, schema]) => (
        <Field
          key={name}
          schema={schema}
          value={members[name]}
          path={[...path, name]}
          label={name}
          isRequired={required.has(name)}
          onChange={(next) => {
            const { [name]: _, ...others } = members;
            onChange((next === undefined ? others : { ...members, [name]: next }) as Json);
          }}
        />
      ))}
    </div>
  );
}

function Field(props: FieldProps) {
  const { root, issues } = useContext(Form);
  const plan = planOf(props.schema, root);
  const isGroup = plan.kind === 'object' || plan.kind === 'list' || plan.kind === 'variants';
  if (plan.isNullable && props.value === null) return <NullField {...props} plan={plan} />;
  if (isGroup) return <Group {...props} plan={plan} />;
  if (plan.kind === 'json') return <JsonField {...props} />;
  return <Scalar {...props} plan={plan} hasIssue={issuesAt(issues, props.path).length > 0} />;
}

function Label(props: FieldProps & { readonly plan: FieldPlan; readonly inputId: string }) {
  const { label, isRequired, plan, inputId, onChange } = props;
  return (
    <div class="label">
      <label for={inputId}>{label}</label>
      {isRequired ? <span class="required">required</span> : null}
      <span class="type">{typeText(plan)}</span>
      {plan.isNullable ? (
        <button type="button" class="link" onClick={() => onChange(null)}>
          set null
        </button>
      ) : null}
    </div>
  );
}

function typeText({ kind, schema, isNullable }: FieldPlan): string {
  const type =
    kind === 'choice'
      ? 'choice'
      : kind === 'constant'
        ? 'constant'
        : [schema['type']].flat().filter(Boolean).join(' | ');
  const format = typeof schema['format'] === 'string' ? `, ${schema['format']}` : '';
  const { minimum, maximum } = schema as { minimum?: number; maximum?: number };
  const isFar = (bound?: number) => bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
  const range =
    isFar(minimum) && isFar(maximum)
      ? `, ${minimum} to ${maximum}`
      : isFar(minimum)
        ? `, from ${minimum}`
        : isFar(maximum)
          ? `, up to ${maximum}`
          : '';
  return `${type}${format}${range}${isNullable && !type.includes('null') ? ' or null' : ''}`;
}

function Description({ schema, id }: { readonly schema: Schema; readonly id: string }) {
  return typeof schema['description'] === 'string' ? (
    <p class="description" id={id}>
      {schema['description']}
    </p>
  ) : null;
}

function NullField(props: FieldProps & { readonly plan: FieldPlan }) {
  const { plan, label, onChange, path } = props;
  const { root } = useContext(Form);
  return (
    <div class="field">
      <div class="label">
        <span>{label}</span>
        <span class="type">null</span>
        <button
          type="button"
          class="link"
          onClick={() =>
            onChange(firstValue({ ...plan.schema, default: undefined }, root, true) ?? emptyOf(plan))
          }
        >
          set a value
        </button>
      </div>
      <Issues path={path} />
    </div>
  );
}

const emptyOf = ({ kind, choices }: FieldPlan): Json | undefined =>
  kind === 'text' ? '' : kind === 'number' ? 0 : kind === 'choice' ? choices[0] : undefined;

function Scalar(props: FieldProps & { readonly plan: FieldPlan; readonly hasIssue: boolean }) {
  const { plan, value, onChange, path, isRequired, hasIssue } = props;
  const id = useId();
  const about = [
    typeof plan.schema['description'] === 'string' ? `${id}-about` : '',
    hasIssue ? `${id}-issue` : '',
  ]
    .join(' ')
    .trim();
  const common = { id, 'aria-describedby': about || undefined, 'aria-invalid': hasIssue || undefined };
  return (
    <div class="field">
      <Label {...props} inputId={id} />
      <Description schema={plan.schema} id={`${id}-about`} />
      <ScalarInput {...{ plan, value, onChange, isRequired, common }} />
      <Issues path={path} id={`${id}-issue`} />
    </div>
  );
}

function Group(props: FieldProps & { readonly plan: FieldPlan }) {
  const { plan, value, onChange, path, label, isRequired } = props;
  const { root } = useContext(Form);
  const id = useId();
  const add = () =>
    onChange(
      firstValue({ ...plan.schema, default: undefined }, root, true) ?? (plan.kind === 'list' ? [] : {}),
    );
  return (
    <fieldset
      class="field group"
      aria-describedby={typeof plan.schema['description'] === 'string' ? id : undefined}
    >
      <legend>
        <span>{label}</span>
        {isRequired ? <span class="required">required</span> : null}
        <span class="type">{plan.kind === 'variants' ? 'one of several' : typeText(plan)}</span>
        {plan.isNullable ? <LinkButton onClick={() => onChange(null)}>set null</LinkButton> : null}
        {value === undefined ? (
          <LinkButton onClick={add} label={`Add ${label}`}>
            add
          </LinkButton>
        ) : null}
        {value !== undefined && !isRequired ? (
          <LinkButton onClick={() => onChange(undefined)} label={`Leave out ${label}`}>
            leave out
          </LinkButton>
        ) : null}
      </legend>
      <Description schema={plan.schema} id={id} />
      <Issues path={path} />
      {value === undefined ? null : plan.kind === 'object' ? (
        <Properties plan={plan} value={value} onChange={onChange} path={path} />
      ) : plan.kind === 'list' ? (
        <Items {...props} />
      ) : (
        <Variants {...props} />
      )}
    </fieldset>
  );
}

function LinkButton(props: {
  readonly onClick: () => void;
  readonly label?: string;
  readonly children: ComponentChildren;
}) {
  return (
    <button type="button" class="link" onClick={props.onClick} aria-label={props.label}>
      {props.children}
    </button>
  );
}

function Items({ plan, value, onChange, path, label }: FieldProps & { readonly plan: FieldPlan }) {
  const { root } = useContext(Form);
  const items = Array.isArray(value) ? value : [];
  const schema = plan.schema['items'] as Schema;
  const itemPlan = planOf(schema, root);
  return (
    <div class="items">
      {items.map((item, at) => (
        <div class="item" key={at}>
          <Field
            schema={schema}
            value={item}
            path={[...path, at]}
            label={`${label} ${at + 1}`}
            isRequired
            onChange={(next) => onChange(items.map((one, index) => (index === at ? (next ?? '') : one)))}
          />
          <button
            type="button"
            class="icon"
            aria-label={`Remove ${label} ${at + 1}`}
            onClick={() => onChange(items.filter((_, index) => index !== at))}
          >
            ✕
          </button>
        </div>
      ))}
      <button
        type="button"
        class="small"
        onClick={() => onChange([...items, firstValue(schema, root, true) ?? emptyOf(itemPlan) ?? ''])}
      >
        Add an item
      </button>
    </div>
  );
}

function Variants(props: FieldProps & { readonly plan: FieldPlan }) {
  const { plan, value, onChange, path, label } = props;
  const { root } = useContext(Form);
  const id = useId();
  const [chosen, setChosen] = useState(() => variantOf(value, plan.variants, root));
  const variant = plan.variants[chosen] ?? {};
  return (
    <div class="fields">
      <div class="field">
        <div class="label">
          <label for={id}>Kind of {label}</label>
        </div>
        <select
          id={id}
          value={String(chosen)}
          onChange={({ currentTarget }) => {
            const next = Number(currentTarget.value);
            setChosen(next);
            const schema = plan.variants[next] ?? {};
            onChange(firstValue(schema, root, true) ?? emptyOf(planOf(schema, root)) ?? null);
          }}
        >
          {plan.variants.map((one, at) => (
            <option key={at} value={String(at)}>
              {variantName(one, at, root)}
            </option>
          ))}
        </select>
      </div>
      <Field
        key={chosen}
        schema={variant}
        value={value}
        onChange={onChange}
        path={path}
        label={label}
        isRequired
      />
    </div>
  );
}

function JsonField(props: FieldProps) {
  const { schema, value, onChange, path, isRequired } = props;
  const plan = planOf(schema, useContext(Form).root);
  const id = useId();
  return (
    <div class="field">
      <Label {...props} plan={plan} inputId={id} />
      <Description schema={plan.schema} id={`${id}-about`} />
      <JsonBox id={id} value={value} rows={4} onChange={onChange} mayBeEmpty={!isRequired} />
      <Issues path={path} />
    </div>
  );
}
