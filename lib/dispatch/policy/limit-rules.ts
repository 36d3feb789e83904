/**
 * What TOOL_LIMITS names: limits by the operator, which override those of the tools.
 *
 * ```json
 * { "*": { "rate": 20 }, "report_*": { "concurrency": 2, "timeoutMs": 10000 }, "report_small": { "concurrency": null } }
 * ```
 *
 * R1. A glob is a pattern of names (call/name-pattern.ts). What stands further down holds, limit by limit; null lifts a
 *     limit, the tool's own included.
 * R2. A file that is wrong is refused as a whole, and everything that is wrong with it is told: file, glob, limit, value.
 * R3. cacheSeconds for a tool that does not only read is refused where that is found out.
 */
import { readFileSync } from 'node:fs';
import type { ToolDescriptor } from '../../call/catalog.ts';
import { matchesName } from '../../call/name-pattern.ts';
import {
  LIMIT_NAMES,
  LIMITS,
  type LimitName,
  NOT_READ_ONLY,
  type ToolLimits,
} from '../../call/tool-limits.ts';

interface LimitRule {
  readonly glob: string;
  readonly limits: Readonly<Partial<Record<LimitName, number | null>>>;
}

export interface LimitRules {
  readonly rules: readonly LimitRule[];
  /** What is wrong, a sentence each; there are no rules then. */
  readonly problems: readonly string[];
}

/** The most bytes of a file: no list of tools is as long. */
const MOST_BYTES = 1024 ** 2;

/** Reads the file. Never throws. */
export function readLimitRules(path: string): LimitRules {
  const refused = (problem: string): LimitRules => ({
    rules: [],
    problems: [`TOOL_LIMITS, ${path}, ${problem}`],
  });
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return refused(`cannot be read (${(error as NodeJS.ErrnoException).code}); correct the path`);
  }
  if (text.length > MOST_BYTES) return refused(`is longer than ${MOST_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refused(`is no JSON (${(error as Error).message})`);
  }
  if (!isObject(value))
    return refused('is no JSON object of tool names, such as {"report_*": {"concurrency": 2}}');
  const problems: string[] = [];
  const rules = Object.entries(value).map(([glob, limits]) => readRule(glob, limits, problems));
  if (problems.length === 0) return { rules, problems };
  return { rules: [], problems: problems.map((problem) => `TOOL_LIMITS, ${path}: ${problem}`) };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value as messages show it: it may be anything, of any length. */
const shown = (value: unknown): string => JSON.stringify(value).slice(0, 100);

function readRule(glob: string, limits: unknown, problems: string[]): LimitRule {
  const name = shown(glob);
  if (!/^[\w.*?-]{1,128}$/.test(glob))
    problems.push(`${name} names no tool; expected letters, digits, _ - . and the wildcards * and ?`);
  const read: Partial<Record<LimitName, number | null>> = {};
  if (!isObject(limits)) problems.push(`${name} is ${shown(limits)}; expected an object of limits`);
  for (const [field, value] of isObject(limits) ? Object.entries(limits) : []) {
    const limit = LIMIT_NAMES.find((known) => known === field);
    if (limit === undefined) {
      problems.push(`${name} has ${shown(field)}, which is no limit; expected ${LIMIT_NAMES.join(', ')}`);
    } else if (value !== null && !LIMITS[limit].accepts(value)) {
      problems.push(
        `${name} has ${limit} ${shown(value)}; expected ${LIMITS[limit].expected}, or null to lift the tool's own`,
      );
    } else {
      read[limit] = value as number | null;
    }
  }
  return { glob, limits: read };
}

/** The limits of a tool as they hold. */
export function limitsOf(tool: ToolDescriptor, rules: readonly LimitRule[]): ToolLimits {
  const limits: { -readonly [N in LimitName]?: number } = {};
  for (const name of LIMIT_NAMES) {
    let value: number | null | undefined = tool[name];
    for (const rule of rules)
      if (rule.limits[name] !== undefined && matchesName(rule.glob, tool.name)) value = rule.limits[name];
    if (value !== undefined && value !== null) limits[name] = value;
  }
  return limits;
}

/** What keeps the limits from holding for the tool (R3). */
export function misfit(tool: ToolDescriptor, rules: readonly LimitRule[]): string | undefined {
  const { cacheSeconds } = limitsOf(tool, rules);
  if (cacheSeconds === undefined || tool.annotations?.readOnlyHint === true) return undefined;
  const rule = rules.findLast(
    ({ glob, limits }) => limits.cacheSeconds !== undefined && matchesName(glob, tool.name),
  );
  const whose = rule ? `TOOL_LIMITS, ${shown(rule.glob)}` : 'its definition';
  return `the tool ${JSON.stringify(tool.name)} has cacheSeconds ${cacheSeconds} (${whose}): ${NOT_READ_ONLY}`;
}
