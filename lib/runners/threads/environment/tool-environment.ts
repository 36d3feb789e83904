/**
 * What tools see of the environment: nothing that could hold a secret, and what the operator names (TOOL_ENV).
 */

const HARMLESS_VARIABLES = [
  'PATH',
  'HOME',
  'USERPROFILE',
  'APPDATA',
  'LOCALAPPDATA',
  'SYSTEMROOT',
  'TMPDIR',
  'TEMP',
  'TMP',
  'LANG',
  'LC_ALL',
  'TZ',
  'NODE_ENV',
  'NODE_PATH',
  'XDG_DATA_HOME',
  'XDG_CONFIG_HOME',
  'XDG_CACHE_HOME',
];

/** The environment of a thread: harmless variables and those `named`; never the API key. */
export function toolEnvironment(named: readonly string[]): Record<string, string> {
  const names = [...HARMLESS_VARIABLES, ...named].filter((name) => name !== 'API_KEY');
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
