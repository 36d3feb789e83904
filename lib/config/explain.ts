/**
 * Tells people of the options: --print-config, the flags of --help.
 *
 * Everything is made from the table in options.ts; no secret is printed.
 */
import type { LoadedConfig } from './load.ts';
import type { Option } from './option.ts';
import { OPTION_LIST, type OptionName } from './options.ts';

/** Every option's value in the form it can be set, and where it came from; keys masked. */
export function explainConfig({ config, origins }: LoadedConfig): string {
  const lines = OPTION_LIST.map(([name, option]) => {
    const value = config[name];
    const text = option.kind.write(value);
    const written = option.secret && text !== '' ? '********' : text;
    return { setting: `${option.env}=${written}`, origin: origins[name] };
  });
  const width = Math.max(...lines.map(({ setting }) => setting.length));
  return lines.map(({ setting, origin }) => `${setting.padEnd(width)}  # ${origin}`).join('\n');
}

/** One flag as the command line declares it. */
export interface Flag {
  readonly option: OptionName;
  /** `--min-workers <n>` */
  readonly syntax: string;
  readonly description: string;
  readonly isList: boolean;
}

/** The flags of every option that has one. */
export function flags(): Flag[] {
  return OPTION_LIST.flatMap(([name, option]) => {
    if (option.flag === undefined) return [];
    const { kind } = option;
    // A switch that is off takes no value, or `--reload stdio` would take the command for one.
    const syntax =
      kind.isSwitch && option.default === 'off' ? option.flag : `${option.flag} <${kind.placeholder}>`;
    const description = `${option.summary.replaceAll('`', '')} [${option.env}${defaultNote(option)}]`;
    return [{ option: name, syntax, description, isList: kind.isList ?? false }];
  });
}

/** What --help says of the options that have no flag. */
export function variablesWithoutFlag(): string {
  return OPTION_LIST.filter(([, option]) => option.flag === undefined)
    .map(([, option]) => `  ${option.env}  ${option.summary} [${defaultWords(option)}]`)
    .join('\n');
}

/** The default as tables show it. */
export function defaultWords(option: Option<unknown>): string {
  return typeof option.default === 'string' ? option.default : option.default.words;
}

function defaultNote(option: Option<unknown>): string {
  const words = defaultWords(option);
  if (words === '') return '';
  // `1MiB` says its unit itself.
  return option.kind.unit === undefined || /[a-z]$/i.test(words)
    ? `: ${words}`
    : `: ${words} ${option.kind.unit}`;
}
