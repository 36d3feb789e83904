/** The options of mounted MCP servers. */
import { option, type ValuesOf } from '../../config/option.ts';
import { optionalPath } from '../../config/value-kind.ts';

const isWords = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((word) => typeof word === 'string') && value[0] !== '';

/** A list of words as JSON; empty text means none. */
const words = {
  accepts: isWords,
  read: (text: string): readonly string[] => {
    if (text.trim() === '') return [];
    try {
      return JSON.parse(text);
    } catch {
      return [''];
    }
  },
  write: (list: readonly string[]) => (list.length === 0 ? '' : JSON.stringify(list)),
  expected: 'a JSON list of a command and its arguments, such as ["npx","-y","some-server"]',
  placeholder: 'json',
};

export const upstreamOptions = {
  mcpConfig: option({
    env: 'MCP_CONFIG',
    flag: '--config',
    kind: optionalPath(),
    default: '',
    summary:
      'A file of MCP servers to mount, as Claude, VS Code, Cursor and others write it (`mcpServers` or `servers`).',
    reason: 'Nothing is started that you did not name.',
  }),
  mcpCommand: option<readonly string[]>({
    env: 'MCP_COMMAND',
    kind: words,
    default: '',
    summary:
      'A command that starts one MCP server, as a JSON list; what stands behind `--` on the command line.',
    reason: 'Nothing is started that you did not name.',
    secret: true,
  }),
};

type UpstreamConfig = ValuesOf<typeof upstreamOptions>;

/** What it needs to know of the rest of the configuration. */
export interface MountConfig extends UpstreamConfig {
  readonly dataDir: string;
  readonly reload: boolean;
  readonly queueLimit: number;
}
