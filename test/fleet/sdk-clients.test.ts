/** Clients of both majors of the MCP SDK, in both eras, at a gateway whose calls a host of a fleet runs. */
import { expect } from 'chai';
import { type AnyClient, CLIENTS, connectHttpClient } from '../transports/mcp/every-client.ts';
import { missingRedis } from './redis-server.ts';
import { SmallFleet } from './small-fleet.ts';

describe('on a fleet', function () {
  this.timeout(60_000);
  let fleet: SmallFleet;
  let client: AnyClient | undefined;

  before(async function () {
    if (missingRedis() !== undefined) this.skip();
    fleet = await SmallFleet.start();
  });
  after(() => fleet?.close());
  afterEach(() => client?.close());

  for (const name of CLIENTS.filter((one) => one.includes('HTTP')))
    it(`${name} lists tools, calls one with progress, and is told what is wrong with arguments`, async () => {
      client = await connectHttpClient(name, new URL(`${fleet.urls[0]}/mcp`));
      const { tools } = await client.listTools();
      expect(tools.map((tool) => tool.name)).to.include.members(['once', 'again', 'big']);
      let told = 0;
      const onprogress = () => {
        told++;
      };
      const counting = { name: 'once', arguments: { count: 5, everyMs: 20 } };
      const called = await client.callTool(counting, { onprogress });
      const { data } = called['structuredContent'] as { data: { at: number }[] };
      expect(data.map(({ at }) => at)).to.deep.equal([0, 1, 2, 3, 4]);
      expect(told).to.be.above(0);
      const wrong = await client.callTool({ name: 'big', arguments: { size: 'large' } }, {});
      expect(wrong).to.include({ isError: true });
      const large = await client.callTool({ name: 'big', arguments: { size: 1_000_000 } }, {});
      expect((large['structuredContent'] as { data: string }).data).to.have.length(1_000_000);
    });
});
