/** Text to read and copy; it can be scrolled by keyboard. */
export function Code({ label, text }: { readonly label: string; readonly text: string }) {
  return (
    <pre class="code" role="region" tabIndex={0} aria-label={label}>
      {text}
    </pre>
  );
}
