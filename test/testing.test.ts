/** The test helper that the package offers to authors of tools. */
import { expect } from 'chai';
import { type ToolTests, testTools } from '../lib/testing.ts';
import { fixture } from './support/start-pool.ts';

describe('testTools()', () => {
  let tests: ToolTests;
  before(async () => {
    tests = await testTools([fixture('basic-tools'), fixture('tracing-tools')]);
  });
  after(() => tests?.close());

  it('gives what a run has told', async () => {
    expect(tests.tools).to.include.members(['count', 'echo', 'report']);
    expect((await tests.run('echo', { text: 'a' })).data).to.deep.equal({ text: 'a' });
    const { data, chunks } = await tests.run('count', { n: 3 });
    expect(chunks).to.have.lengthOf(3);
    expect(data).to.deep.equal(chunks);
    const { progress } = await tests.run('report', { n: 2, everyMs: 1 });
    expect(progress.at(-1)).to.include({ progress: 2 });
  });

  it('throws what a run has failed with', async () => {
    const codeOf = (tool: string, args = {}, options = {}) =>
      tests.run(tool, args, options).then(
        () => 'success',
        ({ code }) => code,
      );
    expect(await codeOf('fails')).to.equal('conflict');
    expect(await codeOf('echo', { text: 5 })).to.equal('invalid_arguments');
    expect(await codeOf('nothing')).to.equal('tool_not_found');
    expect(await codeOf('echo', { text: 'a' }, { signal: AbortSignal.abort() })).to.equal('cancelled');
  });
});
