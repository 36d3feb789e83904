/** Files of servers as clients write them, what is refused in them, and the names that come of it. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: files of servers have variables in this form
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseCommandLine } from '../../../bin/command-line.ts';
import { offeredName, serverName, UriMap } from '../../../lib/runners/upstream/catalog/names.ts';
import { commandEntry, readConfigFile } from '../../../lib/runners/upstream/file/config-file.ts';
import { parseJsonc } from '../../../lib/runners/upstream/file/jsonc.ts';
import { elementsOf, membersOf } from '../../../lib/runners/upstream/protocol/json-spans.ts';
import { MountFolder } from './scripted-server.ts';

describe('a file of servers', () => {
  const folder = new MountFolder();
  after(() => folder.remove());
  const read = (text: string, env: Record<string, string> = {}) => {
    writeFileSync(folder.file, text, { mode: 0o600 });
    return readConfigFile(folder.file, env);
  };
  const refusal = (text: string): string => {
    try {
      read(text);
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('it was accepted');
  };

  it('may be one of Claude, VS Code, Cursor, Windsurf or Gemini', () => {
    const plans = [
      '{"mcpServers":{"a":{"command":"x","args":["1"],"env":{"K":"v","N":3}}}}',
      '{"servers":{"a":{"type":"stdio","command":"x","envFile":"e.env"}},"inputs":[]}',
      '{"mcpServers":{"a":{"type":"http","url":"https://x.example/mcp","headers":{"X-Key":"${T}"}}}}',
      '{"mcpServers":{"a":{"serverUrl":"https://x.example/mcp"}}}',
      '{"mcpServers":{"a":{"httpUrl":"https://x.example/mcp","timeout":5000,"trust":true}}}',
      '{"mcp":{"servers":{"a":{"type":"sse","url":"http://x.example/sse"}}}}',
    ];
    writeFileSync(join(folder.path, 'e.env'), 'export A="b c" # said\n# no\nC=d\n');
    const sources = plans.map((plan) => read(plan, { T: 'token' }).servers[0]?.source);
    expect(sources).to.deep.equal([
      { kind: 'stdio', command: 'x', args: ['1'], env: { K: 'v', N: '3' }, cwd: undefined },
      { kind: 'stdio', command: 'x', args: [], env: { A: 'b c', C: 'd' }, cwd: undefined },
      { kind: 'http', url: 'https://x.example/mcp', headers: { 'X-Key': 'token' } },
      { kind: 'http', url: 'https://x.example/mcp', headers: {} },
      { kind: 'http', url: 'https://x.example/mcp', headers: {} },
      { kind: 'sse', url: 'http://x.example/sse', headers: {} },
    ]);
  });

  it('has variables in every form, which are not looked through again', () => {
    const text =
      '{"mcpServers":{"a":{"command":"${C}","args":["${env:D}","${N:-none}","${E}"],"env":{"G":"$C"}}}}';
    const [server] = read(text, { C: 'c', D: 'd', E: '${C}' }).servers;
    expect(server?.source).to.include({ command: 'c' });
    expect(server?.source).to.have.property('args').that.deep.equals(['d', 'none', '${C}']);
    expect(server?.source).to.have.property('env').that.deep.equals({ G: 'c' });
  });

  it('fails a server alone that needs a variable which is not set, asks for one, or wants a login', () => {
    const { servers } = read(
      '{"mcpServers":{"a":{"url":"http://x/","headers":{"K":"${NONE}"}},"b":{"command":"x","args":["${input:id}"]},"c":{"url":"http://x/","oauth":{}},"d":{"command":"y"}}}',
    );
    const faults = servers.map(({ fault }) => fault);
    expect(faults[0]).to.equal('headers.K: the variable NONE is not set');
    expect(faults[1]).to.contain('args[0]').and.contain('${env:NAME}');
    expect(faults[2]).to.contain('oauth').and.contain('headers');
    expect(faults[3]).to.equal(null);
  });

  it('tells what it ignores, and leaves out what is switched off', () => {
    const { servers, notices } = read(
      '{"mcpServers":{"a":{"command":"x","alwaysAllow":["y"],"colour":1},"b":{"command":"x","disabled":true}}}',
    );
    expect(servers.map(({ name }) => name)).to.deep.equal(['a']);
    expect(notices.join('\n')).to.contain('"alwaysAllow" is ignored').and.contain('"colour" is unknown');
  });

  it('filters tools by patterns', () => {
    const { servers } = read(
      '{"mcpServers":{"a":{"command":"x","enabledTools":["read_*","one"],"excludeTools":["read_secret"]}}}',
    );
    const wanted = ['read_a', 'read_secret', 'one', 'two'].filter((tool) => servers[0]?.allows(tool));
    expect(wanted).to.deep.equal(['read_a', 'one']);
  });

  it('is refused with file, server and field, all that is wrong at once', () => {
    const message = refusal(
      '{"mcpServers":{"a":{"command":5},"b":{},"c":{"type":"pipe","command":"x"},"d e":{"command":"x"},"d_e":{"command":"x"},"f":{"command":"x","prefix":"_no"}}}',
    );
    expect(message.split('\n')).to.have.length(5);
    for (const [server, words] of Object.entries({
      a: '"command" has to be a text',
      b: 'neither "command" nor "url"',
      c: '"type" is "pipe"',
      d_e: 'rename one',
      f: '"prefix" has to be',
    }))
      expect(message).to.match(new RegExp(`mcp.json: server "${server}": .*${words}`));
    expect(refusal('{"mcpServers": {"a": }}')).to.contain('line 1, column 22');
    expect(refusal('{"tools": {}}')).to.contain('"mcpServers"');
  });

  it('is refused where everybody may write it', () => {
    folder.write({});
    chmodSync(folder.file, 0o666);
    expect(() => readConfigFile(folder.file, {})).to.throw(/everybody may write it.*chmod o-w/s);
    chmodSync(folder.file, 0o600);
  });

  it('names what may be secret', () => {
    const { servers } = read(
      '{"mcpServers":{"a":{"command":"x","args":["--api-key","in-args","--name","n","-e","A_TOKEN=in-docker","--header","Authorization: Bearer in-remote","pg://u:in-address@h/db"],"env":{"MY_TOKEN":"in-env","PLAIN":"p"}},"b":{"url":"https://u:in-url@x/?k=v","headers":{"Authorization":"Bearer in-header"}}}}',
    );
    expect(servers.flatMap(({ secrets }) => secrets))
      .to.include.members([
        'in-args',
        'in-env',
        'in-url',
        'in-header',
        'in-docker',
        'in-remote',
        'in-address',
      ])
      .and.not.include.members(['n', 'p']);
  });

  it('may have comments and commas at the end, but not inside texts', () => {
    expect(parseJsonc('{"a": "// no", /* yes */ "b": [1, 2,], // yes\n "c": ",}",}')).to.deep.equal({
      a: '// no',
      b: [1, 2],
      c: ',}',
    });
  });
});

describe('the names of what servers offer', () => {
  it('are what every vendor takes, and short', () => {
    expect(serverName('my__server_')).to.equal('my_server');
    expect(serverName('1mcp.x')).to.equal('mcp-1mcp_x');
    expect(offeredName('files', 'read/file.now')).to.equal('files__read_file_now');
    const long = offeredName('files', 'x'.repeat(80));
    expect(long)
      .to.have.length(48)
      .and.match(/^files__x+_[0-9a-f]{6}$/);
    expect(offeredName('files', `${'x'.repeat(80)}y`)).not.to.equal(long);
    expect(offeredName(null, 'echo')).to.equal('echo');
  });

  it('are those of the command where there is no file', () => {
    const named = (...words: string[]) => commandEntry(words, '/').servers[0]?.name;
    expect(named('npx', '-y', '@modelcontextprotocol/server-everything@1.2', 'stdio')).to.equal(
      'server-everything',
    );
    expect(named('/usr/local/bin/files.sh')).to.equal('files');
    expect(named('node', './dist/notes.mjs')).to.equal('notes');
    const invocation = parseCommandLine(['--port', '1', '--', 'npx', '--port', '2']);
    expect(invocation).to.have.nested.property('flags.mcpCommand', '["npx","--port","2"]');
    expect(invocation).to.have.nested.property('flags.port', '1');
  });

  it('are put before URIs, and taken off again', () => {
    const uris = new UriMap('my_files');
    expect(uris.outward('file:///a')).to.equal('my-files+file:///a');
    expect(uris.inward('my-files+file:///a')).to.equal('file:///a');
    expect(new UriMap(null).outward('file:///a')).to.equal('file:///a');
  });
});

describe('parts of JSON text', () => {
  it('are found as they were written', () => {
    const text = ' { "a" : 1.0 , "b\\"" : {"x":["}",{"y":"\\\\"}]} ,"a":[1 , "]"],"n":null}';
    expect([...membersOf(text)]).to.deep.equal([
      ['a', '[1 , "]"]'],
      ['b"', '{"x":["}",{"y":"\\\\"}]}'],
      ['n', 'null'],
    ]);
    expect(elementsOf('[1, "a,]" ,{"b":[2]}, [] ]')).to.deep.equal(['1', '"a,]"', '{"b":[2]}', '[]']);
    expect(elementsOf(' [ ] ')).to.deep.equal([]);
    expect([...membersOf('{}')]).to.deep.equal([]);
  });
});
