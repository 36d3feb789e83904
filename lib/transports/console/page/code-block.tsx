/** Text to read and copy. */
import { useState } from 'preact/hooks';

/** It can be scrolled by keyboard. */
export function Code({ label, text }: { readonly label: string; readonly text: string }) {
  return (
    <pre class="code" role="region" tabIndex={0} aria-label={label}>
      {text}
    </pre>
  );
}

export function CopyButton({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) {
  const [told, setTold] = useState('');
  const copy = () => {
    const copied =
      navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('only on localhost or https'));
    copied.then(
      () => setTold('Copied'),
      () => setTold('Not allowed here: select the text'),
    );
    setTimeout(() => setTold(''), 2000);
  };
  return (
    <button type="button" class="small" onClick={copy}>
      <span aria-live="polite">{told || label}</span>
    </button>
  );
}
