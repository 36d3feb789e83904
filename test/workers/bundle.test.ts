import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { call, startPool } from '../support/start-pool.ts';

describe('what a thread loads', () => {
  it('is one file, but for packages and for what tools import too', () => {
    const text = readFileSync(new URL('../../workers/thread-main.js', import.meta.url), 'utf8');
    const own = [...text.matchAll(/\bimport\s*\{[^}]*\}\s*from\s*"(\.[^"]+)"/g)].map(
      ([, path]) => path as string,
    );
    expect(own).to.include('../lib/call/tool-error.js');
    for (const path of own) expect(path).to.match(/^\.\.\/lib\/(?:call|tool)\/[\w-]+\.js$/);
  });

  it('has no blanks between its lines, since each thread keeps its text, but the names that stacks show', () => {
    const text = readFileSync(new URL('../../workers/thread-main.js', import.meta.url), 'utf8');
    expect(text.length / text.split('\n').length).to.be.above(150); // the compiler writes 35 a line
    expect(text).to.contain('ToolRun=class').and.contain('#succeed(');
  });

  it('throws errors at tools of the class that they import', async () => {
    const pool = await startPool({}, ['own-copy-tools']);
    try {
      const end = await call(pool, 'caught').outcome();
      if (end.type !== 'result') return expect.fail(end.error.message);
      expect(end.data).to.equal('"failed_precondition"');
    } finally {
      await pool.close();
    }
  });
});
