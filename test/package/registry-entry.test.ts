/**
 * What registries read of this package: package.json for npm, .github/server.json for the MCP registry. The second proves
 * to the first that both have one owner, so the two must say the same.
 */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';

const ROOT = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly mcpName: string;
  readonly engines: { readonly node: string };
  readonly homepage: string;
  readonly repository: { readonly url: string };
  readonly bugs: { readonly url: string };
}

interface ServerEntry {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly version: string;
  readonly websiteUrl: string;
  readonly repository: { readonly url: string };
  readonly packages: readonly {
    readonly registryType: string;
    readonly identifier: string;
    readonly version: string;
    readonly packageArguments: readonly { readonly value: string }[];
    readonly environmentVariables: readonly { readonly name: string }[];
  }[];
}

const manifest = JSON.parse(read('package.json')) as Manifest;
const entry = JSON.parse(read('.github/server.json')) as ServerEntry;

describe('the registry entries', () => {
  it('name one owner and one repository everywhere', () => {
    const [, owner = ''] = /^io\.github\.([^/]+)\/mcp-streaming-gateway$/.exec(manifest.mcpName) ?? [];
    const address = `https://github.com/${owner}/mcp-streaming-gateway`;
    expect(entry.name).to.equal(manifest.mcpName);
    expect(manifest).to.deep.include({
      homepage: `${address}#readme`,
      bugs: { url: `${address}/issues` },
      repository: { type: 'git', url: `git+${address}.git` },
    });
    expect(entry.websiteUrl).to.equal(manifest.homepage);
    expect(entry.repository.url).to.equal(address);
  });

  it('tell the version of the package', () => {
    const [npm] = entry.packages;
    expect(npm).to.include({ registryType: 'npm', identifier: manifest.name, version: manifest.version });
    expect(entry.version).to.equal(manifest.version);
  });

  it('keep to the lengths that the MCP registry allows', () => {
    expect(entry.name).to.match(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/);
    expect(entry.title.length).to.be.within(1, 100);
    expect(entry.description.length).to.be.within(1, 100);
  });

  it('start the stdio command with variables that are options', () => {
    const [npm] = entry.packages;
    expect(npm?.packageArguments.map(({ value }) => value)).to.deep.equal(['stdio']);
    const options = read('docs/options.md');
    const unknown = npm?.environmentVariables.filter(({ name }) => !options.includes(`| \`${name}\` |`));
    expect(unknown).to.deep.equal([]);
  });
});

describe('the workflows', () => {
  it('test on the lowest Node that package.json allows, which is the one to develop on', () => {
    const [lowest = ''] = read('.nvmrc').split('\n');
    expect(manifest.engines.node).to.equal(`>=${lowest}`);
    expect(read('.github/workflows/test.yml')).to.contain(`node: ['${lowest}', `);
  });

  it('publish the entry that the tests read, and not before its placeholders are replaced', () => {
    const release = read('.github/workflows/release.yml');
    expect(release).to.contain('mcp-publisher publish .github/server.json');
    expect(release.indexOf("grep -n 'OWNER' package.json .github/server.json")).to.be.within(
      0,
      release.indexOf('npm publish'),
    );
  });
});
