import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { z } from 'zod';
import { findToolModules, modulesIn } from '../../lib/runners/threads/modules/module-paths.ts';
import { definePrompt } from '../../lib/tool/define-prompt.ts';
import { defineResource } from '../../lib/tool/define-resource.ts';
import { defineTool } from '../../lib/tool/define-tool.ts';
import { Registry } from '../../workers/loading/registry.ts';

const run = async () => 1;

describe('defineTool()', () => {
  it('names what is wrong with a definition', () => {
    const define = (definition: object) => () => defineTool(definition as never);
    expect(define({ name: 'a b', description: 'x', run })).to.throw(
      /tool name "a b" is not 1-128 characters/,
    );
    expect(define({ name: 'a', description: '', run })).to.throw(/tool "a" needs a description/);
    expect(define({ name: 'a', description: 'x' })).to.throw(/tool "a" needs a run function/);
    expect(() => defineTool(undefined as never)).to.throw(/needs a tool definition object/);
    const isolated = define({ name: 'a', description: 'x', isolation: 'thread', run });
    expect(isolated).to.throw(/isolation is "thread"; expected "exclusive", "shared" or "process"/);
  });

  it('says which name is meant where a member has one of another library', () => {
    const define = (definition: object) => () =>
      defineTool({ name: 'a', description: 'x', ...definition } as never);
    for (const [other, own] of Object.entries({
      inputSchema: 'input',
      parameters: 'input',
      outputSchema: 'output',
    }))
      expect(define({ [other]: {}, run })).to.throw(
        `tool "a" has "${other}", which means nothing here; write "${own}"`,
      );
    for (const other of ['handler', 'execute'])
      expect(define({ [other]: run })).to.throw(`has "${other}", which means nothing here; write "run"`);
    expect(define({ input: { s: z.string() }, inputSchema: {}, run })).not.to.throw(); // the tool has its schema
  });
});

describe('Registry', () => {
  it('finds definitions under any export, alone or in arrays, each once', () => {
    const one = defineTool({ name: 'one', description: 'x', run });
    const two = defineTool({ name: 'two', description: 'x', run });
    const registry = new Registry();
    expect(registry.addModule({ default: one, one, list: [one, two], other: { run } }, 'here')).to.equal(2);
  });

  it('describes everything as data, sorted by name, with schemas of draft 2020-12', async () => {
    const registry = new Registry();
    registry.addModule(
      {
        b: defineTool({ name: 'b', description: 'x', isolation: 'shared', timeoutMs: 5, run }),
        a: defineTool({
          name: 'a',
          description: 'x',
          input: z.object({ n: z.number().default(1) }),
          output: z.object({ ok: z.boolean() }),
          annotations: { readOnlyHint: true },
          run: async () => ({ ok: true }),
        }),
        doc: defineResource({ name: 'doc', uriTemplate: 'doc://{id}', read: async () => 'text' }),
        plan: definePrompt({ name: 'plan', arguments: { goal: { required: true } }, run: () => 'do it' }),
      },
      'here',
    );
    const catalog = await registry.describe();
    expect(catalog.tools.map(({ name }) => name)).to.deep.equal(['a', 'b']);
    expect(catalog.tools[0]?.inputSchema).to.deep.include({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
    });
    expect(catalog.tools[0]?.inputSchema).not.to.have.property('required');
    expect(catalog.tools[1]).to.deep.equal({
      name: 'b',
      description: 'x',
      inputSchema: { type: 'object' },
      isolation: 'shared',
      timeoutMs: 5,
    });
    expect(catalog.resources[0]).to.include({ name: 'doc', uriTemplate: 'doc://{id}', lists: false });
    expect(catalog.prompts[0]?.arguments).to.deep.equal([{ name: 'goal', required: true, completes: false }]);
    expect(structuredClone(catalog)).to.deep.equal(catalog);
  });

  it('passes a raw JSON Schema through untouched', async () => {
    const jsonSchema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: { name: { $anchor: 'n', type: 'string' } },
      properties: { name: { $ref: '#n' } },
      anyOf: [{ if: { required: ['name'] }, else: {} }],
      additionalProperties: false,
    } as const;
    const registry = new Registry();
    registry.addModule(
      { raw: defineTool({ name: 'raw', description: 'x', input: { jsonSchema }, run }) },
      'here',
    );
    expect((await registry.describe()).tools[0]?.inputSchema).to.deep.equal(jsonSchema);
  });
});

describe('findToolModules()', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'modules-'));
    for (const name of ['b.js', 'a.mjs', 'c.ts', 'd.d.ts', 'e.test.js', 'f.txt'])
      writeFileSync(join(folder, name), '');
    mkdirSync(join(folder, 'empty'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('gives folders and files as they are, and the modules of a folder by name', () => {
    const urls = ['a.mjs', 'b.js', 'c.ts'].map((name) => pathToFileURL(join(folder, name)).href);
    expect(findToolModules([folder])).to.deep.equal([`${pathToFileURL(folder).href}/`]);
    expect(modulesIn(`${pathToFileURL(folder).href}/`)).to.deep.equal(urls);
    expect(findToolModules([join(folder, 'b.js'), urls[0] ?? ''])).to.deep.equal([urls[1], urls[0]]);
  });

  it('names the path that is not there or holds nothing', () => {
    expect(() => findToolModules(['/there/is/nothing.js'])).to.throw(
      /nothing\.js cannot be read: it does not exist; correct --tools/,
    );
    expect(() => findToolModules([join(folder, 'empty')])).to.throw(/empty\/ holds no module/);
  });
});
