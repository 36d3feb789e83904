/**
 * Variables inside the texts of a server's entry, in the forms of the clients whose files are read.
 *
 * V1. What a variable stands for is not looked through again.
 * V2. A variable without a value is an error of its server: a literal `${TOKEN}` sent as a header is a refusal that
 *     nobody can explain.
 */
import { homedir } from 'node:os';
import { sep } from 'node:path';

export interface VariableSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder of the file. */
  readonly folder: string;
}

/** The message names the variable and says what can be done. */
export class MissingVariable extends Error {}

/** `${VAR}`, `${VAR:-default}`, `${env:VAR}`, `${input:id}`, `${workspaceFolder}` and the like. */
const FORM = /\$\{([^{}]*)\}/g;

/** @throws {MissingVariable} */
export function expand(text: string, sources: VariableSources): string {
  return text.replace(FORM, (form, inside: string) => valueFor(form, inside, sources));
}

function valueFor(form: string, inside: string, { env, folder }: VariableSources): string {
  const known = FIXED[inside];
  if (known) return known(folder);
  if (inside.startsWith('input:'))
    throw new MissingVariable(`${form} would have to be asked; write \${env:NAME} and set that variable`);
  const [, name = '', fallback] = /^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/.exec(inside) ?? [];
  if (name === '') throw new MissingVariable(`${form} is a variable of a form that is not known here`);
  const value = env[name];
  // As in shells, `:-` stands in for an empty variable too.
  if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
  if (value === undefined) throw new MissingVariable(`the variable ${name} is not set`);
  return value;
}

const FIXED: Readonly<Record<string, ((folder: string) => string) | undefined>> = Object.assign(
  Object.create(null),
  {
    workspaceFolder: (folder: string) => folder,
    userHome: () => homedir(),
    pathSeparator: () => sep,
    '/': () => sep,
  },
);

/** The lines `NAME=value` of an env file. */
export function parseEnvFile(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [, name, raw = ''] = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined) continue;
    const [, quote, quoted = ''] = /^(["'])(.*)\1\s*(?:#.*)?$/.exec(raw) ?? [];
    if (quote === '"') values[name] = quoted.replace(/\\n/g, '\n').replace(/\\"/g, '"');
    else values[name] = quote === "'" ? quoted : raw.replace(/\s+#.*$/, '');
  }
  return values;
}
