/**
 * What of this process's own flags the threads and children that run tools may have too.
 *
 * P1. What the process preloads (`--import`, `--require`, `--loader`) is meant for the gateway, as an OpenTelemetry SDK is:
 *     on each thread it would start once more, without its environment, and what it gathers would be lost with the thread.
 *     So it stays here. What makes Node run TypeScript is meant for the tools, and goes along.
 */

/** A flag with the value that stands behind it, where one does. */
type Flag = readonly [flag: string, value?: string];

const PRELOAD = /^(?:--import|--require|-r|--loader|--experimental-loader)(?:=(.*))?$/s;
const TYPESCRIPT =
  /(?:^|\/node_modules\/)(?:tsx|ts-node|esbuild-register|@swc-node\/register|@oxc-node\/core)(?:$|\/)/;

/** @param flags as in `process.execArgv`. @returns those that are kept, each with its value; undefined: all of them are. */
export function withoutPreloads(flags: readonly string[]): readonly Flag[] | undefined {
  const kept: Flag[] = [];
  let isAll = true;
  for (let at = 0; at < flags.length; at++) {
    const flag = flags[at] as string;
    const [isPreload, inline] = PRELOAD.exec(flag) ?? [];
    if (isPreload === undefined) {
      kept.push([flag]);
      continue;
    }
    const value = inline ?? flags[++at] ?? '';
    if (TYPESCRIPT.test(value.replaceAll('\\', '/')))
      kept.push(inline === undefined ? [flag, value] : [flag]);
    else isAll = false;
  }
  return isAll ? undefined : kept;
}

/** The same for the text of NODE_OPTIONS. */
export function optionsWithoutPreloads(text: string): string {
  // Parted at blanks; within quotes they belong to the value, and a backslash there takes the next character as it is.
  const parts = text.match(/(?:"(?:\\.|[^"\\])*"|[^\s"])+/g) ?? [];
  const bare = parts.map((part) =>
    part.replace(/"((?:\\.|[^"\\])*)"/g, (_, quoted) => quoted.replace(/\\(.)/g, '$1')),
  );
  const kept = withoutPreloads(bare);
  return kept === undefined ? text : kept.flat().map(quoted).join(' ');
}

const quoted = (part: string | undefined = ''): string =>
  /[\s"]/.test(part) ? `"${part.replace(/["\\]/g, '\\$&')}"` : part;
