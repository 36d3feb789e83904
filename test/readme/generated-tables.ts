/**
 * The tables of the README that are made from code, each between `<!-- name -->` and `<!-- /name -->`.
 */

import { ERROR_CODES } from '../../lib/call/error-code.ts';
import { optionTable } from '../../lib/config/explain.ts';

/** The README as it should be: its tables made anew. */
export function withFreshTables(readme: string): string {
  return withTable(withTable(readme, 'options', optionTable()), 'errors', errorTable());
}

function withTable(readme: string, name: string, table: string): string {
  const [before, rest] = readme.split(`<!-- ${name} -->\n`);
  const after = rest?.split(`<!-- /${name} -->`)[1];
  if (before === undefined || after === undefined) throw new Error(`the README has no place for ${name}`);
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
