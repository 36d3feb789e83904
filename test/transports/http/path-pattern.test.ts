/** Which paths are a registered one, and what its words stand for then. */
import { expect } from 'chai';
import { PathPattern } from '../../../lib/transports/http/path-pattern.ts';

describe('the pattern of a path', () => {
  const match = (pattern: string, path: string) => new PathPattern(pattern).match(path);

  it('without words is that path and no other', () => {
    expect(match('/mcp', '/mcp')).to.deep.equal({});
    for (const path of ['/mcp/', '/mcp/x', '/MCP', '/%6dcp', '/mc', '/', '']) {
      expect(match('/mcp', path), path).to.equal(undefined);
    }
    expect(match('/', '/')).to.deep.equal({});
    expect(match('/docs/', '/docs/')).to.deep.equal({});
    expect(match('/docs/', '/docs')).to.equal(undefined);
  });

  it('takes one whole segment for a word', () => {
    expect(match('/tools/:name', '/tools/echo')).to.deep.equal({ name: 'echo' });
    expect(match('/tools/:name/stream', '/tools/stream/stream')).to.deep.equal({ name: 'stream' });
    for (const path of [
      '/tools',
      '/tools/',
      '/tools//',
      '/tools/echo/',
      '/tools/echo/stream',
      '/tool/echo',
      '/x/tools/echo',
    ]) {
      expect(match('/tools/:name', path), path).to.equal(undefined);
    }
    for (const path of ['/tools//stream', '/tools/echo', '/tools/echo/streams', '/tools/echo/strea']) {
      expect(match('/tools/:name/stream', path), path).to.equal(undefined);
    }
  });

  it('takes several words, and one that comes first', () => {
    expect(match('/:of/calls/:id', '/a/calls/b')).to.deep.equal({ of: 'a', id: 'b' });
    expect(match('/:of/:id', '/a/b')).to.deep.equal({ of: 'a', id: 'b' });
    expect(match('/:of/:id', '/a//')).to.equal(undefined);
    expect(match('/calls/:id/parts/:part', '/calls/1/parts')).to.equal(undefined);
  });

  it('decodes what the words stand for, after the slashes are counted', () => {
    expect(match('/tools/:name', '/tools/a%2Fb%20c')).to.deep.equal({ name: 'a/b c' });
    expect(match('/tools/:name', '/tools/constructor')).to.deep.equal({ name: 'constructor' });
  });

  it('refuses what cannot be decoded, where it is the path and there only', () => {
    expect(() => match('/tools/:name', '/tools/%ff')).to.throw('the path is not valid percent-encoding');
    expect(match('/tools/:name', '/tools/%ff/stream')).to.equal(undefined);
    expect(new PathPattern('/tools/:name').fits('/tools/%ff')).to.equal(true);
  });
});
