/** A configuration that cannot start a gateway: one message that names everything that is wrong with it. */
export class ConfigError extends Error {
  /** One sentence a problem. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? 'an option is wrong' : `${problems.length} options are wrong`;
    super(`the gateway cannot start, ${count}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
