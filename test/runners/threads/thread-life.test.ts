import { setImmediate as turn } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { expect } from 'chai';
import { ThreadLife } from '../../../lib/runners/threads/crew/thread-life.ts';
import { eventually } from '../../support/eventually.ts';

type Step = (life: ThreadLife) => void;
const load: Step = (life) => life.load();
const standBy: Step = (life) => life.standBy();
const callIn: Step = (life) => life.callIn();
const retire: Step = (life) => life.leave('retired');
const kill: Step = (life) => life.leave('killed');
const letGo: Step = (life) => life.leave('idle');
const closePort: Step = (life) => life.closePort();
const lose: Step = (life) => life.lose('why');

/** @returns what the life told, with where it is and why it leaves. */
function lived(...steps: readonly Step[]) {
  const told: string[] = [];
  const life = new ThreadLife({
    lost: () => told.push('lost'),
    gone: (loss) => told.push(`gone: ${loss}`),
    impossible: (error) => told.push(error.message),
  });
  for (const step of steps) step(life);
  return { life, told, state: life.state, leaving: life.leaving, isOpen: life.isOpen };
}

describe('ThreadLife', () => {
  it('is open once it has loaded, until it leaves, is lost, or cannot be heard', () => {
    expect(lived()).to.include({ state: 'starting', isOpen: false });
    expect(lived(load)).to.include({ state: 'ready', isOpen: true });
    for (const end of [retire, kill, letGo, closePort, lose])
      expect(lived(load, end)).to.include({ isOpen: false });
  });

  it('stands by, loaded or not, until it is called in', () => {
    expect(lived(standBy)).to.include({ state: 'reserve', isOpen: false });
    expect(lived(standBy, load)).to.include({ state: 'standing by', isOpen: false });
    expect(lived(standBy, load, callIn)).to.include({ state: 'ready', isOpen: true });
    expect(lived(standBy, callIn)).to.include({ state: 'starting', isOpen: false });
    expect(lived(standBy, callIn, load)).to.include({ isOpen: true });
    expect(lived(standBy, letGo, load, callIn)).to.include({ state: 'leaving', leaving: 'idle' });
  });

  it('leaves for the first reason, but a kill goes over being retired', () => {
    expect(lived(load, retire, letGo)).to.include({ leaving: 'retired' });
    expect(lived(load, retire, kill)).to.include({ leaving: 'killed' });
    expect(lived(load, kill, retire)).to.include({ leaving: 'killed' });
    expect(lived(load, lose, retire)).to.include({ state: 'lost', leaving: 'retired' });
  });

  it('is gone when its port is closed and its loss known, in either order, once', () => {
    expect(lived(load, closePort).told).to.deep.equal([]);
    expect(lived(load, closePort, lose)).to.deep.include({ state: 'gone', told: ['lost', 'gone: why'] });
    expect(lived(load, lose).told).to.deep.equal(['lost']);
    const { state, told } = lived(load, kill, lose, closePort, closePort);
    expect({ state, told }).to.deep.equal({ state: 'gone', told: ['lost', 'gone: why'] });
  });

  it('is gone at once when it is lost before it loaded', () => {
    expect(lived(lose)).to.deep.include({ state: 'gone', told: ['lost', 'gone: why'] });
    expect(lived(standBy, kill, lose)).to.deep.include({ state: 'gone', told: ['lost', 'gone: why'] });
  });

  it('is not gone before its last words have been read, however busy the gateway was', async () => {
    const { life, told } = lived(load);
    const { port1, port2 } = new MessageChannel();
    port2.on('message', (word) => told.push(word));
    port2.on('close', () => life.closePort());
    lose(life);
    port1.postMessage('last word');
    port1.close();
    const until = performance.now() + 1200;
    while (performance.now() < until);
    await eventually(() => life.state === 'gone');
    expect(told).to.deep.equal(['lost', 'last word', 'gone: why']);
    await turn();
    expect(told).to.have.length(3);
  });

  it('waits a second for the other of the two, no longer', async () => {
    const silent = lived(load, closePort);
    const lost = lived(load, lose);
    await eventually(() => silent.life.state === 'gone' && lost.life.state === 'gone');
    expect(silent.told).to.deep.equal(['gone: null']);
    expect(lost.told).to.deep.equal(['lost', 'gone: why']);
    silent.life.lose('late');
    expect(silent.told).to.deep.equal(['gone: null', 'lost']);
  });

  it('refuses a step that cannot be, says so, and stays where it is', () => {
    expect(lived(load, load)).to.deep.include({
      state: 'ready',
      told: ['a thread that is ready cannot load'],
    });
    expect(lived(load, standBy).told).to.deep.equal(['a thread that is ready cannot standBy']);
    expect(lived(lose, kill)).to.deep.include({
      leaving: null,
      told: ['lost', 'gone: why', 'a thread that is gone cannot leave'],
    });
    expect(lived(load, callIn).told).to.deep.equal(['a thread that is ready cannot callIn']);
  });
});
