/** JSON as text, for what no form fits. */
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Json } from './gateway.ts';

/** Leads to what is no JSON in a form: it would be left out of what is sent. @returns whether there is some. */
export function leadsToFault(form: HTMLFormElement): boolean {
  const faulty = [...form.querySelectorAll('textarea')].find(({ validity }) => validity.customError);
  faulty?.focus();
  return faulty !== undefined;
}

/** JSON as text: what is typed stays as it is typed, and reaches the owner where it is JSON. */
export function JsonBox(props: {
  readonly id?: string;
  readonly label?: string;
  readonly value: Json | undefined;
  readonly rows: number;
  readonly mayBeEmpty?: boolean;
  readonly onChange: (value: Json | undefined) => void;
}) {
  const { id, label, value, rows, mayBeEmpty = false, onChange } = props;
  const shown = value === undefined ? '' : JSON.stringify(value, null, 2);
  const [text, setText] = useState(shown);
  const [fault, setFault] = useState('');
  const faultId = useId();
  const box = useRef<HTMLTextAreaElement>(null);
  useEffect(() => box.current?.setCustomValidity(fault), [fault]);
  useEffect(() => {
    if (normal(text) !== normal(shown)) {
      setText(shown);
      setFault('');
    }
  }, [shown]);
  return (
    <>
      <textarea
        ref={box}
        id={id}
        class="code"
        aria-label={label}
        aria-invalid={fault !== '' || undefined}
        aria-describedby={fault === '' ? undefined : faultId}
        rows={rows}
        spellcheck={false}
        value={text}
        onInput={({ currentTarget }) => {
          const typed = currentTarget.value;
          setText(typed);
          if (typed.trim() === '' && mayBeEmpty) {
            setFault('');
            return onChange(undefined);
          }
          try {
            onChange(JSON.parse(typed));
            setFault('');
          } catch (error) {
            setFault(`No JSON yet: ${(error as Error).message}`);
          }
        }}
      />
      {fault === '' ? null : (
        <p class="issue" id={faultId}>
          {fault}
        </p>
      )}
    </>
  );
}

function normal(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}
