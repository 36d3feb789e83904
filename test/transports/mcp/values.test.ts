import { expect } from 'chai';
import { type AnyClient, CLIENTS, connectClient, whole } from './every-client.ts';

const CHUNK = 'io.github.mcp-streaming-gateway/chunk';

interface Seen {
  readonly progress: number;
  readonly total?: number;
  readonly message?: string;
  readonly _meta?: Readonly<Record<string, { readonly items: readonly unknown[] }>>;
}

for (const name of CLIENTS) {
  describe(`values and schemas by ${name}`, () => {
    let client: AnyClient;
    before(async () => {
      client = await connectClient(name, ['value-tools']);
    });
    after(() => client.close());

    const result = async (tool: string, args: object) => {
      const { _meta, ...rest } = await client.callTool({ name: tool, arguments: args }, {});
      return rest;
    };
    const text = (of: string) => ({ type: 'text', text: of });
    const failure = async (tool: string, args: object): Promise<string> => {
      const { isError, content } = await result(tool, args);
      expect(isError).to.equal(true);
      return (content as { text: string }[])[0]?.text ?? '';
    };

    const scalars: Readonly<Record<string, readonly [data: unknown, text: string]>> = {
      date: ['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'],
      url: ['http://a.b/', 'http://a.b/'],
      boxed: ['boxed', 'boxed'],
      money: ['5 EUR', '5 EUR'],
      toArray: [[1, 2], '[1,2]'],
      toNull: [null, 'null'],
      string: ['line "one"\nline two', 'line "one"\nline two'],
      number: [5, '5'],
      nothing: [null, 'null'],
      list: [[1, 'a'], '[1,"a"]'],
    };
    for (const [value, [data, copy]] of Object.entries(scalars)) {
      it(`has what is no object in JSON as data: ${value}`, async () => {
        expect(await result('value', { name: value })).to.deep.include({
          structuredContent: { data },
          content: [text(copy)],
        });
      });
    }

    it('has objects as they are, bytes as base64 within', async () => {
      expect(await result('value', { name: 'object' })).to.deep.include({ structuredContent: { a: 1 } });
      const { structuredContent } = await result('value', { name: 'buffers' });
      expect(structuredContent).to.deep.equal({ at: { $base64: 'aGk=' }, list: [{ $base64: '/w==' }] });
      expect((await result('value', { name: 'bytes' }))['structuredContent']).to.deep.equal({
        $base64: 'AQID',
      });
    });

    it('has no halves of surrogate pairs', async () => {
      const { structuredContent } = await result('value', { name: 'surrogates' });
      expect(structuredContent).to.deep.equal({
        'a\ufffdb': ['a\ufffdb', '\ufffd', '😀', '\\ud800', '\\\ufffd'],
      });
    });

    it('relays an object that is exactly a result, member by member', async () => {
      expect(await result('value', { name: 'lookalike' })).not.to.have.property('structuredContent');
      const whole = await client.callTool({ name: 'value', arguments: { name: 'whole' } }, {});
      expect(whole).to.deep.include({
        content: [text('hello')],
        structuredContent: { n: 1 },
        isError: false,
      });
      expect(whole['_meta']).to.include({ own: 1 });
      const { content } = await result('value', { name: 'relayedBytes' });
      expect(content).to.deep.equal([{ type: 'image', data: 'aW1n', mimeType: 'image/png' }]);
    });

    it('has what is not exactly a result as data', async () => {
      for (const value of ['badFlag', 'strangeMember', 'strangeBlock']) {
        const { structuredContent, isError } = await result('value', { name: value });
        expect(structuredContent, value).to.have.property('content');
        expect(isError ?? false, value).to.equal(false);
      }
    });

    it('checks what a declared schema says, whatever the value looks like', async () => {
      expect(await result('declared', { name: 'object' })).to.deep.include({ structuredContent: { a: 1 } });
      for (const value of ['lookalike', 'whole', 'date', 'list', 'bytes'])
        expect(await failure('declared', { name: value }), value).to.contain('does not fit the tool');
      expect(await failure('nothing', {})).to.contain('does not fit the tool');
    });

    it('has content that a tool made, its bytes as base64, its structured part checked', async () => {
      const { content, structuredContent } = await result('made_declared', { name: 'good' });
      expect(structuredContent).to.deep.equal({ a: 1 });
      expect(content).to.deep.equal([
        text('caption'),
        { type: 'image', data: 'iVA=', mimeType: 'image/png' },
        { type: 'audio', data: 'c25k', mimeType: 'audio/wav' },
        { type: 'resource', resource: { uri: 'a://b', blob: 'cmVz' } },
        { type: 'resource_link', uri: 'a://c', name: 'c' },
      ]);
      expect(await result('made', { name: 'bare' })).to.deep.include({ content: [text('no structure')] });
      expect(await failure('made_declared', { name: 'bare' })).to.contain('structuredContent');
      expect(await failure('made_declared', { name: 'unfit' })).to.contain('a: ');
      expect(await failure('made_declared', { name: 'failed' })).to.equal('sorry');
    });

    const misfits = {
      number: 'content[1].text',
      type: 'content[0].type',
      prefix: 'content[0].data',
      mime: 'content[0].mimeType',
      resource: 'content[0].resource',
      link: 'content[0].name',
      structure: 'structuredContent',
      list: 'content: it is a string',
    };
    for (const [value, at] of Object.entries(misfits)) {
      it(`says what is no content, and where: ${at}`, async () => {
        expect(await failure('made', { name: value })).to.contain(at);
      });
    }

    it('takes by JSON what JSON has no word for, and gives it so', async () => {
      const time = '2026-01-31T12:00:00Z';
      const { structuredContent } = await result('special', {
        date: time,
        big: '12345678901234567890',
        set: [time],
        map: { a: 1 },
        one: 1,
        either: time,
      });
      const exact = '2026-01-31T12:00:00.000Z';
      expect(structuredContent).to.deep.equal({
        kinds: ['Date', 'bigint', 'Set', 'Map', 'bigint', 'Date'],
        date: exact,
        big: '12345678901234567890',
        set: [exact],
        map: { a: 1 },
      });
      expect(await failure('special', { date: '2026-02-31T12:00:00Z' })).to.contain('date');
    });

    it('lists schemas that its own checker reads: no $schema of the default dialect', async () => {
      const { tools } = await client.listTools();
      const special = tools.find((tool) => tool.name === 'special');
      expect(special?.['inputSchema']).not.to.have.property('$schema');
      expect(special?.['outputSchema']).not.to.have.property('$schema');
      expect(special?.['inputSchema']).to.have.nested.property('properties.date.format', 'date-time');
      const raw = tools.find((tool) => tool.name === 'raw_rules');
      expect(raw?.['inputSchema']).to.have.property('$schema', 'http://json-schema.org/draft-07/schema#');
      expect(raw?.['inputSchema']).to.have.nested.property('properties.any').that.deep.equals({});
    });

    const itemsOf = (seen: readonly Seen[]) => seen.flatMap(({ _meta }) => _meta?.[CHUNK]?.items ?? []);
    const progressOf = (args: object, items: number): Promise<Seen[]> =>
      whole(
        async () => {
          const seen: Seen[] = [];
          await client.callTool(
            { name: 'steps', arguments: args },
            { onprogress: (one: Seen) => seen.push(one) },
          );
          return seen;
        },
        (seen) => itemsOf(seen).length === items,
      );

    for (const order of ['before', 'behind']) {
      it(`tells a step once, where a tool reports ${order} it yields`, async () => {
        const seen = await progressOf({ order, n: 4 }, 4);
        expect(seen.map(({ progress, total }) => [progress, total])).to.deep.equal([
          [1, 4],
          [2, 4],
          [3, 4],
          [4, 4],
        ]);
        expect(seen.map(({ _meta }) => _meta?.[CHUNK]?.items)).to.deep.equal(
          [1, 2, 3, 4].map((step) => [{ step }]),
        );
        expect(seen.some(({ message }) => message === '')).to.equal(false);
      });
    }

    it('tells of no progress beyond the total', async () => {
      const seen = await progressOf({ order: 'after the last', n: 2 }, 5);
      expect(itemsOf(seen)).to.have.length(5);
      for (const [at, { progress, total = Number.POSITIVE_INFINITY }] of seen.entries()) {
        expect(progress).to.be.at.most(total);
        if (at > 0) expect(progress).to.be.above(seen[at - 1]?.progress ?? progress);
        expect(String(progress)).to.match(/^\d+(\.\d{1,3})?$/);
      }
      expect(seen.at(-1)).not.to.have.property('total');
    });
  });
}
