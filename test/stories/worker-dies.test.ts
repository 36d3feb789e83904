/** A thread that dies in mid-stream: its call ends once and says so, over every transport; other calls do not notice. */
import { expect } from 'chai';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { STORY_TOOLS } from './marks.ts';
import { TRANSPORT_NAMES, TRANSPORTS } from './transports.ts';

describe('story: a worker dies', function () {
  this.timeout(60_000);
  let gateway: GatewayProcess;

  before(async () => {
    gateway = await startGatewayProcess({ args: ['--tools', STORY_TOOLS] });
  });

  after(async () => {
    expect(await gateway.end()).to.equal(0);
  });

  for (const name of TRANSPORT_NAMES) {
    it(`over ${name}: the chunks it sent arrive, then worker_crashed, while another call goes on`, async () => {
      const other = TRANSPORTS[name](gateway, 'hold_tool', { ms: 400 });
      const { code, chunks } = await TRANSPORTS[name](gateway, 'die_tool', {}).end;
      expect(code).to.equal('worker_crashed');
      expect(chunks).to.equal(name === 'http' ? 0 : 3);
      expect(await other.end).to.deep.include({ code: null, data: { held: 400 } });
    });
  }
});
