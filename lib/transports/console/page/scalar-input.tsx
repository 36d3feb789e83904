/** The inputs of a form for single values: text, numbers, choices, constants. */
import { useEffect, useState } from 'preact/hooks';
import type { Json } from './gateway.ts';
import type { FieldPlan } from './schema.ts';

type Change = (value: Json | undefined) => void;

const INPUT_TYPES: Readonly<Record<string, 'date' | 'email' | 'url'>> = {
  date: 'date',
  email: 'email',
  uri: 'url',
  url: 'url',
};

export function ScalarInput(props: {
  readonly plan: FieldPlan;
  readonly value: Json | undefined;
  readonly onChange: Change;
  readonly isRequired: boolean;
  readonly common: object;
}) {
  const { plan, value, onChange, isRequired, common } = props;
  const { schema, kind, choices } = plan;
  if (kind === 'constant') return <input {...common} readOnly value={JSON.stringify(schema['const'])} />;
  if (kind === 'boolean' || kind === 'choice') {
    const all: readonly Json[] = kind === 'boolean' ? [true, false] : choices;
    const at = all.findIndex((choice) => JSON.stringify(choice) === JSON.stringify(value));
    return (
      <select
        {...common}
        value={at < 0 ? '' : String(at)}
        onChange={({ currentTarget }) => onChange(all[Number(currentTarget.value || 'NaN')])}
      >
        {at >= 0 && isRequired ? null : <option value="">{isRequired ? 'choose…' : 'left out'}</option>}
        {all.map((choice, index) => (
          <option key={index} value={String(index)}>
            {typeof choice === 'string' ? choice : JSON.stringify(choice)}
          </option>
        ))}
      </select>
    );
  }
  if (kind === 'number') return <NumberInput {...{ plan, value, onChange, common }} />;
  const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
  const onInput = ({ currentTarget }: { currentTarget: { value: string } }) =>
    onChange(currentTarget.value === '' && !isRequired ? undefined : currentTarget.value);
  const isLong = Number(schema['maxLength'] ?? 0) > 200 || text.length > 60 || text.includes('\n');
  if (isLong) return <textarea {...common} rows={3} value={text} onInput={onInput} />;
  const type = INPUT_TYPES[String(schema['format'])] ?? 'text';
  const hint = type === 'text' && typeof schema['format'] === 'string' ? schema['format'] : undefined;
  const attributes = {
    ...common,
    type,
    value: text,
    onInput,
    placeholder: hint,
    autocomplete: 'off',
    spellcheck: false,
  };
  return <input {...(attributes as object)} />;
}

/** Keeps what is typed while it is no number yet, such as "-" or "1e". */
function NumberInput(props: {
  readonly plan: FieldPlan;
  readonly value: Json | undefined;
  readonly onChange: Change;
  readonly common: object;
}) {
  const { value, onChange, common } = props;
  const [typed, setTyped] = useState(value === undefined ? '' : String(value));
  useEffect(() => {
    if (Number(typed) !== value && !(typed === '' && value === undefined))
      setTyped(value === undefined ? '' : String(value));
  }, [value]);
  return (
    <input
      {...common}
      inputMode="decimal"
      autocomplete="off"
      value={typed}
      onInput={({ currentTarget }) => {
        const text = currentTarget.value;
        setTyped(text);
        if (text.trim() === '') onChange(undefined);
        else onChange(Number.isFinite(Number(text)) ? Number(text) : text); // the gateway says what is wrong with it
      }}
    />
  );
}
