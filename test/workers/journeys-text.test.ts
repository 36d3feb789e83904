/** The texts that `journeys_tool` takes: all of Unicode, returned unchanged or refused. */
import { expect } from 'chai';
import type { DirectJourneys } from './direct-journeys.ts';
import { overStores } from './over-stores.ts';

overStores('journeys_tool texts', (open) => {
  let journeys: DirectJourneys;

  beforeEach(async () => {
    journeys = await open();
  });

  afterEach(() => journeys.close());

  const HOSTILE = [
    'quotes \' " ` and \\ back',
    'Robert"); DROP TABLE journeys;--',
    '\u2028 \u2029 \ufeff \u200b',
    'a\nb\r\nc\td',
    '\u{1f9ed} \u{20000} e\u0301',
    '\u0001\u001f\u007f',
    '%s {{y}} `${',
    '<script>',
    '__proto__',
    'data: x\n\nevent: done',
  ];
  for (const text of HOSTILE) {
    it(`returns ${JSON.stringify(text)} unchanged`, async () => {
      const given = {
        name: text,
        description: text,
        tags: [text],
        steps: [{ name: text, description: text, done: false }],
      };
      const { id } = await journeys.create(given);
      expect((await journeys.call({ action: 'get', id })).result).to.deep.include(given);
      expect(await journeys.names({ tag: text })).to.deep.equal([text]);
      expect((await journeys.call({ action: 'stats' })).result).to.deep.include({ total: 1 });
    });
  }

  it('refuses texts that the store could not return unchanged', async () => {
    expect(await journeys.issues({ action: 'create', name: 'a\0b' })).to.deep.equal([
      { path: 'name', message: 'must not contain a NUL character', code: 'custom' },
    ]);
    const [issue] = await journeys.issues({ action: 'create', name: 'ok', tags: ['fine', 'half \ud83d'] });
    expect(issue?.path).to.equal('tags.1');
    expect(issue?.message).to.match(/lone surrogate/);
  });

  it('counts the characters of a name, not its UTF-16 units', async () => {
    expect((await journeys.create({ name: '\u{1f9ed}'.repeat(200) })).name).to.have.length(400);
    expect(await journeys.issues({ action: 'create', name: '\u{1f9ed}'.repeat(201) })).to.deep.equal([
      { path: 'name', message: 'must have at most 200 characters', code: 'custom' },
    ]);
    expect((await journeys.issues({ action: 'create', name: '' }))[0]?.path).to.equal('name');
  });
});
