/**
 * The tables in docs/ that are made from code, each between `<!-- name -->` and `<!-- /name -->`.
 */

import { ERROR_CODES } from '../../lib/call/error-code.ts';
import { defaultWords } from '../../lib/config/explain.ts';
import { OPTION_LIST } from '../../lib/config/options.ts';

/** The pages with a table, and what makes it. */
export const TABLES = [
  { path: 'docs/options.md', name: 'options', make: optionTable },
  { path: 'docs/errors.md', name: 'errors', make: errorTable },
] as const;

/** The page as it should be: its table made anew. @throws {Error} when the page has no place for it. */
export function withFreshTable(page: string, name: string, table: string): string {
  const [before, rest] = page.split(`<!-- ${name} -->\n`);
  const after = rest?.split(`<!-- /${name} -->`)[1];
  if (before === undefined || after === undefined) throw new Error(`the page has no place for ${name}`);
  return `${before}<!-- ${name} -->\n${table}\n<!-- /${name} -->${after}`;
}

/** Codes that are alike but for their name share a row. */
function errorTable(): string {
  const rows = new Map<string, string[]>();
  for (const [code, { status, fault, retryable }] of Object.entries(ERROR_CODES)) {
    const facts = `${status} | ${fault} | ${retryable ? 'yes' : 'no'}`;
    const row = rows.get(facts) ?? [];
    row.push(`\`${code}\``);
    rows.set(facts, row);
  }
  const lines = [...rows].map(([facts, codes]) => `| ${codes.join(', ')} | ${facts} |`);
  return ['| code | status | whose fault | retryable |', '|---|---|---|---|', ...lines].join('\n');
}

/** The options as a Markdown table. */
export function optionTable(): string {
  const rows = OPTION_LIST.map(([, option]) => {
    const words = defaultWords(option);
    const isLiteral = typeof option.default === 'string' && words !== '';
    const cells = [
      `\`${option.env}\``,
      option.flag === undefined ? '–' : `\`${option.flag}\``,
      words === '' ? '–' : isLiteral ? `\`${words}\`` : words,
      option.kind.unit ?? '–',
      `${option.summary} ${option.reason}`,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| variable | flag | default | unit | what it does, and why the default |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}
