/**
 * Finds the value of every option: flag over environment over default.
 *
 * L1. Every bad value is reported in the same message: its option, the value, what was expected, the unit.
 * L2. An empty variable is an absent one (container files often set it so), but for API_KEY.
 * L3. No secret is printed, bad ones included.
 */
import { ConfigError } from './config-error.ts';
import type { Option } from './option.ts';
import { type Config, OPTION_LIST, type OptionName } from './options.ts';
import { RULES } from './rules.ts';

/** Where a value came from. */
export type Origin = 'flag' | 'environment' | 'default' | 'code';

type AnyRule = (typeof RULES)[number];

export interface ConfigSources {
  readonly env: NodeJS.ProcessEnv;
  /** Text of each flag given; a list once per use of the flag. */
  readonly flags: Readonly<Partial<Record<OptionName, string | readonly string[]>>>;
  /** True: the gateway will open a port, so the rules of access apply. */
  readonly listens: boolean;
  /** What is wrong with how the options were given, a sentence each; told with what is wrong with them. Default: nothing. */
  readonly problems?: readonly string[];
}

export interface LoadedConfig {
  readonly config: Config;
  readonly origins: Readonly<Record<OptionName, Origin>>;
}

/** @throws {ConfigError} when any value, or any combination of them, is wrong. */
export function loadConfig({ env, flags, listens, problems: before = [] }: ConfigSources): LoadedConfig {
  const values: Record<string, unknown> = {};
  const origins: Record<string, Origin> = {};
  const problems = [...before];
  for (const [name, option] of OPTION_LIST) {
    const [text, origin] = findText(option, flags[name], env);
    const value = option.kind.read(text);
    origins[name] = origin;
    if (option.kind.accepts(value)) values[name] = value;
    else problems.push(refusal(option, text, origin));
  }
  const isAsked = (rule: AnyRule) => listens || !rule.whenListening;
  return { config: checked(values, problems, isAsked), origins: origins as Record<OptionName, Origin> };
}

/**
 * Completes settings given in code with the defaults.
 * @throws {ConfigError} when any value, or any combination of them, is wrong.
 */
export function completeConfig(given: Partial<Config>, env: NodeJS.ProcessEnv = process.env): Config {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, option] of OPTION_LIST) {
    const value = given[name] ?? option.kind.read(defaultText(option, env));
    if (option.kind.accepts(value)) values[name] = value;
    else problems.push(`${name} is ${shown(option, value)}; expected ${wanted(option)}`);
  }
  return checked(values, problems, (rule) => !rule.whenListening && !rule.whenAlone);
}

/**
 * Checks what only matters to a gateway that opens a port.
 * @throws {ConfigError} when the configuration would leave the gateway open, or unreachable.
 */
export function checkListening(config: Config): void {
  const problems = broken(config, ({ whenListening = false }) => whenListening);
  if (problems.length > 0) throw new ConfigError(problems);
}

/**
 * Checks what only matters to a gateway whose tools all come from its options.
 * @throws {ConfigError} when they give it none.
 */
export function checkAlone(config: Config): void {
  const problems = broken(config, ({ whenAlone = false }) => whenAlone);
  if (problems.length > 0) throw new ConfigError(problems);
}

function checked(
  values: Record<string, unknown>,
  problems: string[],
  isAsked: (rule: AnyRule) => boolean,
): Config {
  problems.push(...broken(values, isAsked));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(values) as Config;
}

/** What is wrong by the rules between options, of those whose options all have a value. */
function broken(values: object, isAsked: (rule: AnyRule) => boolean): string[] {
  return RULES.filter((rule) => isAsked(rule) && rule.about.every((name) => name in values))
    .map((rule) => rule.refusal(values as Config))
    .filter((refusal) => refusal !== undefined);
}

function findText(
  option: Option<unknown>,
  flag: string | readonly string[] | undefined,
  env: NodeJS.ProcessEnv,
): [text: string, origin: Origin] {
  if (flag !== undefined) return [typeof flag === 'string' ? flag : flag.join(','), 'flag'];
  const variable = env[option.env];
  if (variable !== undefined && (variable !== '' || option.refusesEmpty)) return [variable, 'environment'];
  return [defaultText(option, env), 'default'];
}

function defaultText(option: Option<unknown>, env: NodeJS.ProcessEnv): string {
  return typeof option.default === 'string' ? option.default : option.default.find(env);
}

function refusal(option: Option<unknown>, text: string, origin: Origin): string {
  const source = origin === 'flag' ? 'given as a flag' : 'from the environment';
  return `${optionLabel(option)} is ${shown(option, text)} (${source}); expected ${wanted(option)}`;
}

/** The name of an option as messages print it. */
function optionLabel(option: Option<unknown>): string {
  return option.flag === undefined ? option.env : `${option.env} (${option.flag})`;
}

function wanted({ kind }: Option<unknown>): string {
  return kind.unit === undefined ? kind.expected : `${kind.expected} (${kind.unit})`;
}

function shown(option: Option<unknown>, value: unknown): string {
  if (option.secret) return '(hidden)';
  return JSON.stringify(value) ?? String(value);
}
