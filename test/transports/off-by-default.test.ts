/** What is switched off is not loaded: no module of the transports for gRPC and GraphQL, and none of what they run on. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { KEY, startGatewayProcess } from '../support/gateway-process.ts';
import { fixture } from '../support/start-pool.ts';

/** Writes down the address of each ES module that is loaded. */
const RECORDER = `
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';
const hooks = \`
  import { appendFileSync } from 'node:fs';
  export function load(url, context, next) {
    appendFileSync(process.env.MODULE_RECORD, url + '\\\\n');
    return next(url, context);
  }
\`;
if (isMainThread) register('data:text/javascript,' + encodeURIComponent(hooks));
`;
const OWN = /\/lib\/transports\/(?:grpc|graphql)\/(.+)\.js$/;

describe('transports that are off', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'loaded-'));
    writeFileSync(join(folder, 'recorder.mjs'), RECORDER);
  });
  after(() => rmSync(folder, { recursive: true }));

  /** What a gateway loads that is started so, has answered a call and has ended. */
  async function loadedBy(...args: string[]): Promise<string[]> {
    const record = join(folder, `record-${args.length}`);
    const gateway = await startGatewayProcess({
      args: [...args, '--tools', fixture('basic-tools')],
      env: {
        NODE_OPTIONS: `--import ${pathToFileURL(join(folder, 'recorder.mjs')).href}`,
        MODULE_RECORD: record,
      },
    });
    const answer = await fetch(`${gateway.url}/tools/echo`, {
      method: 'POST',
      headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json' },
      body: '{"arguments":{"text":"hi"}}',
    });
    expect(answer.status).to.equal(200);
    await gateway.end();
    return readFileSync(record, 'utf8').split('\n');
  }

  const own = (loaded: readonly string[]) => [...new Set(loaded.flatMap((url) => OWN.exec(url)?.[1] ?? []))];
  const graphql = (loaded: readonly string[]) =>
    loaded.filter((url) => /node_modules\/(?:@?graphql|@grpc)/.test(url));

  it('load nothing but their names, options and switches, and no package', async () => {
    const loaded = await loadedBy();
    expect(loaded.some((url) => url.endsWith('/transports/rest/index.js'))).to.equal(true);
    expect(own(loaded).sort()).to.deep.equal(['graphql-transport', 'grpc-transport', 'index', 'options']);
    expect(graphql(loaded)).to.deep.equal([]);
  });

  it('load it when they are on', async () => {
    const loaded = await loadedBy('--grpc', '--graphql');
    expect(own(loaded)).to.include.members(['grpc-server', 'graphql-server']);
    expect(graphql(loaded)).to.not.be.empty;
  });
});
