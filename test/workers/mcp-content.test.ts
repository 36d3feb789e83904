import { expect } from 'chai';
import type { CallRequest } from '../../lib/call/running-call.ts';
import type { WorkerPool } from '../../lib/runners/threads/worker-pool.ts';
import { lookAtPrompt, lookAtResource, takeResult, takeWholeResult } from '../../workers/mcp-content.ts';
import { call, eventsOf, startPool } from '../support/start-pool.ts';

describe('MCP content', () => {
  const bytes = (text: string) => ({ $base64: Buffer.from(text).toString('base64') });
  const misfit = (block: object): string | null =>
    takeResult({ content: [{ type: 'text', text: 'first' }, block] }, {})?.at ?? null;

  const linkWith = (icon: object) => ({ type: 'resource_link', uri: 'a:b', name: 'b', icons: [icon] });

  const good: Readonly<Record<string, object>> = {
    text: {
      type: 'text',
      text: '',
      annotations: { audience: ['user'], priority: 0, lastModified: '2028-02-29T12:00:00.5+02:00' },
    },
    image: { type: 'image', data: bytes('x'), mimeType: 'image/png' },
    'without padding': { type: 'image', data: 'YQ', mimeType: 'image/png' },
    'with blanks': { type: 'audio', data: 'Y\nQ = =', mimeType: 'audio/wav', _meta: { of: 'mine' } },
    empty: { type: 'image', data: '', mimeType: 'image/png' },
    'resource of text': { type: 'resource', resource: { uri: 'a:b', text: '', mimeType: 'text/plain' } },
    'resource of bytes': { type: 'resource', resource: { uri: 'a:b', blob: bytes('x') } },
    link: { type: 'resource_link', uri: 'a:b', name: 'b', size: 3, icons: [] },
    'link with icons': {
      type: 'resource_link',
      uri: 'a:b',
      name: 'b',
      icons: [{ src: 'a:i', mimeType: 'image/png', sizes: ['48x48', 'any'], theme: 'dark', more: 1 }],
    },
    'members of its own': { type: 'text', text: 'a', more: [1] },
  };
  for (const [name, block] of Object.entries(good))
    it(`may be ${name}`, () => {
      expect(misfit(block)).to.equal(null);
    });

  const bad: Readonly<Record<string, object>> = {
    'content[1]': [] as object,
    'content[1].type': { type: 'constructor' },
    'content[1].text': { type: 'text' },
    'content[1].data': { type: 'image', data: { type: 'Buffer', data: [1] }, mimeType: 'image/png' },
    'content[1].mimeType': { type: 'audio', data: '', mimeType: null },
    'content[1].resource': { type: 'resource', uri: 'a:b', text: '' },
    'content[1].resource.uri': { type: 'resource', resource: { text: '' } },
    'content[1].resource.text': { type: 'resource', resource: { uri: 'a:b', text: 5 } },
    'content[1].resource.blob': { type: 'resource', resource: { uri: 'a:b', blob: 'a' } },
    'content[1].name': { type: 'resource_link', uri: 'a:b', name: 5 },
    'content[1].size': { type: 'resource_link', uri: 'a:b', name: 'b', size: '3' },
    'content[1].annotations': { type: 'text', text: '', annotations: 'user' },
    'content[1].annotations.audience[0]': { type: 'text', text: '', annotations: { audience: ['me'] } },
    'content[1].annotations.priority': { type: 'text', text: '', annotations: { priority: 2 } },
    'content[1].annotations.lastModified': { type: 'text', text: '', annotations: { lastModified: 'now' } },
    'content[1]._meta': { type: 'text', text: '', _meta: [] },
    'content[1].icons': { type: 'resource_link', uri: 'a:b', name: 'b', icons: 'a:i' },
    'content[1].icons[0]': { type: 'resource_link', uri: 'a:b', name: 'b', icons: ['a:i'] },
    'content[1].icons[0].src': { type: 'resource_link', uri: 'a:b', name: 'b', icons: [{}] },
    'content[1].icons[0].sizes': linkWith({ src: 'a:i', sizes: '48x48' }),
    'content[1].icons[0].sizes[0]': linkWith({ src: 'a:i', sizes: [48] }),
    'content[1].icons[0].theme': linkWith({ src: 'a:i', theme: 'blue' }),
  };
  for (const [at, block] of Object.entries(bad))
    it(`is refused at ${at}`, () => {
      expect(misfit(block)).to.equal(at);
    });

  for (const time of [
    '2026-13-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T12:00Z',
  ])
    it(`is of no time as ${time}`, () => {
      expect(misfit({ type: 'text', text: '', annotations: { lastModified: time } })).to.equal(
        'content[1].annotations.lastModified',
      );
    });

  for (const text of ['a', 'a===', 'YQ=', 'Y=Q=', 'Y-_Q', 'data:;base64,YQ==', 'YQ==YQ=='])
    it(`is no base64 as ${text}`, () => {
      expect(misfit({ type: 'image', data: text, mimeType: 'image/png' })).to.equal('content[1].data');
    });

  it('is taken without the members that are not its own to write', () => {
    const taken = {};
    const value = { extra: 1, isError: false, resultType: 'complete', content: [], toString: 1 };
    expect(takeResult(value, taken)).to.equal(null);
    expect(JSON.stringify(taken)).to.equal('{"content":[],"isError":false}');
    expect(takeWholeResult(value, {})).to.equal(false);
    const { extra: _extra, toString: _toString, ...whole } = value;
    expect(takeWholeResult(whole, {})).to.equal(true);
    expect(takeWholeResult({ ...whole, resultType: 'input_required' }, {})).to.equal(false);
    expect(takeWholeResult({ isError: true }, {})).to.equal(false);
  });

  it('of resources and prompts is looked at alike', () => {
    const contents = [{ uri: 'a:b', blob: bytes('x') }, { uri: 'a:c' }];
    expect(lookAtResource({ contents })).to.have.property('at', 'contents[1]');
    expect(contents[0]).to.deep.equal({ uri: 'a:b', blob: 'eA==' });
    expect(lookAtResource({ resources: [{ uri: 'a:b' }] })).to.have.property('at', 'resources[0].name');
    const listed = (more: object) => lookAtResource({ resources: [{ uri: 'a:b', name: 'b', ...more }] })?.at;
    expect(listed({ size: 3, icons: [{ src: 'a:i' }], annotations: {}, more: 1 })).to.equal(undefined);
    expect(listed({ size: '3' })).to.equal('resources[0].size');
    expect(listed({ icons: [{}] })).to.equal('resources[0].icons[0].src');
    expect(listed({ annotations: { priority: 2 } })).to.equal('resources[0].annotations.priority');
    expect(lookAtPrompt({ messages: [{ role: 'system', content: good['text'] }] })).to.have.property(
      'at',
      'messages[0].role',
    );
    expect(lookAtPrompt({ messages: [{ role: 'user', content: [good['text']] }] })).to.have.property(
      'at',
      'messages[0].content',
    );
    expect(lookAtPrompt({ messages: [{ role: 'user', content: good['image'] }] })).to.equal(null);
  });

  describe('from a thread', () => {
    let pool: WorkerPool;
    before(async () => {
      pool = await startPool({}, ['value-tools']);
    });
    after(() => pool.close());
    const outcome = (kind: CallRequest['kind'], name: string, args: object) =>
      call(pool, name, args, { kind: kind ?? 'tool' }).outcome();

    it('has bytes of a resource as base64, whole or in pieces', async () => {
      expect(
        await outcome('resource', 'bytes', { uri: 'bytes://whole', variables: { as: 'whole' } }),
      ).to.include({
        data: '{"contents":[{"uri":"bytes://whole","mimeType":"image/png","blob":"aW1n"}]}',
      });
      expect(
        await outcome('resource', 'bytes', { uri: 'bytes://piece', variables: { as: 'piece' } }),
      ).to.include({
        data: '{"contents":[{"uri":"bytes://piece","mimeType":"image/png","blob":"aW1n"}]}',
      });
    });

    it('has no halves of surrogate pairs in what a tool logs', async () => {
      const running = call(pool, 'fail_by_halves', {}, { logLevel: 'debug' });
      const logs = (await eventsOf(running)).filter(({ type }) => type === 'log');
      expect(logs).to.have.length(1);
      expect(logs[0]).to.include({ message: 'log \ufffd', data: '{"of":"\ufffd"}' });
    });

    it('fails a resource, a prompt and a completion that are none', async () => {
      const failed = [
        await outcome('resource', 'bytes', { uri: 'bytes://none', variables: { as: 'none' } }),
        await outcome('prompt', 'strange', {}),
        await outcome('completion', 'strange', { ref: 'prompt', argument: 'of', value: '' }),
      ];
      expect(failed.map((end) => end.type === 'error' && [end.error.code, end.error.message])).to.deep.equal([
        [
          'tool_failed',
          'the answer is not what MCP has: contents[0]: it has neither "text" (a string) nor "blob" (bytes or base64 text)',
        ],
        [
          'tool_failed',
          'the answer is not what MCP has: messages[0].content.text: it is a number, and has to be a string',
        ],
        ['tool_failed', 'the answer is not what MCP has: values[0]: it is a number, and has to be a string'],
      ]);
    });
  });
});
