/** What a progress report looks like on one line. */
import { expect } from 'chai';
import { barText, lineText } from '../../bin/progress-bar.ts';

describe('barText()', () => {
  it('draws the part that is done', () => {
    expect(barText({ progress: 1, total: 3, message: 'Loading data...' })).to.equal(
      '[########................] 33 % Loading data...',
    );
    expect(barText({ progress: 5, total: 3, message: '' })).to.equal('[########################] 100 %');
  });

  it('gives the figure alone where the total is not known', () => {
    expect(barText({ progress: 7, total: null, message: 'rows' })).to.equal('7 rows');
  });

  it('is a line without a bar, where there is no terminal', () => {
    expect(lineText({ progress: 1, total: 3, message: 'Loading\ndata...' })).to.equal('33 % Loading data...');
    expect(lineText({ progress: 7, total: null, message: '' })).to.equal('7');
  });

  it('stays on one line, within the terminal, and lets no message steer it', () => {
    const text = barText({ progress: 1, total: null, message: `a\nb\u001b[2Jc${'x'.repeat(200)}` }, 20);
    expect(text).to.have.length(19);
    expect(text).to.match(/^1 a b \[2Jcx+$/);
  });
});
