import { expect } from 'chai';
import { unitLog } from '../../lib/observe/call-log.ts';
import { createLogger } from '../../lib/observe/logger.ts';

describe('the log of what happens to threads', () => {
  it('tells trouble of one kind 20 times a minute, and then how much there was', async () => {
    const lines: Record<string, unknown>[] = [];
    const destination = { write: (line: string) => lines.push(JSON.parse(line)) };
    const logger = await createLogger({ level: 'WARNING', keys: () => [], destination, isPretty: false });
    let now = 0;
    const log = unitLog(logger, () => now);
    const retired = { unit: 'thread', id: 1, kind: 'retired', isTrouble: true, detail: 'it was changed' };
    for (let count = 0; count < 1000; count++) log(retired);
    log({ ...retired, kind: 'killed' });
    expect(lines).to.have.length(21);
    now = 60_000;
    log(retired);
    expect(lines.at(-1)).to.include({ msg: 'thread retired', untold: 980 });
  });
});
