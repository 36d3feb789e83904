/** The description of the tools, judged by readers of OpenAPI that others wrote; and what it describes, called. */
import { parse } from '@readme/openapi-parser';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { OpenAPIClientAxios } from 'openapi-client-axios';
import type { OpenAPIV3_1 } from 'openapi-types';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { fixture } from '../../support/start-pool.ts';
import { rawExchange } from '../raw-http.ts';

const KEY = { 'X-API-Key': 'super-secret' };

type Document = OpenAPIV3_1.Document & {
  readonly paths: Readonly<Record<string, OpenAPIV3_1.PathItemObject>>;
};

describe('OpenAPI', () => {
  let served: TestGateway;
  const fetched = (query = '', headers: Record<string, string> = {}) =>
    fetch(`${served.url}/openapi.json${query}`, { headers: { ...KEY, ...headers } });
  /** Everything that the server sends to who has that version already. */
  const revalidated = (etag: string) =>
    rawExchange(
      served.port,
      `GET /openapi.json HTTP/1.1\r\nHost: localhost\r\nX-API-Key: super-secret\r\nIf-None-Match: ${etag}\r\nConnection: close\r\n\r\n`,
      () => false,
    );
  const statusOf = async (answer: ReturnType<typeof fetch>): Promise<number> => {
    const response = await answer;
    await response.text(); // an answer that nobody reads keeps its connection
    return response.status;
  };
  const documentOf = async (query = '') => (await (await fetched(query)).json()) as Document;

  before(async () => {
    served = await startGateway({ tools: [fixture('described-tools'), fixture('basic-tools')] });
  });
  after(() => served.close());

  for (const query of ['', '?version=3.2', '?style=flat', '?version=3.2&style=flat']) {
    it(`passes the strict rules of a linter: /openapi.json${query}`, async () => {
      const config = await createConfig({ extends: ['recommended-strict'] });
      const source = await (await fetched(query)).text();
      const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config });
      const told = problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer]);
      expect(told).to.deep.equal([]);
    });
  }

  it('is understood by a second reader, all references resolved', async () => {
    for (const query of ['', '?style=flat']) {
      const api = (await parse((await documentOf(query)) as never)) as unknown as Document;
      expect(api.openapi).to.equal('3.1.1');
      expect(Object.keys(api.paths)).to.include(query === '' ? '/tools/tree/stream' : '/api/tree');
    }
  });

  it('lets a client that is made from it call a tool', async () => {
    const definition = (await documentOf('?style=flat')) as never;
    const client = await new OpenAPIClientAxios({
      definition,
      axiosConfigDefaults: { baseURL: served.url, headers: { ...KEY, Connection: 'close' } },
    }).init();
    const call = (client as unknown as Record<string, (...args: unknown[]) => Promise<{ data: unknown }>>)[
      'tree'
    ];
    const answer = await call?.(null, { root: { name: 'a', below: [{ name: 'b' }, { name: 'c' }] } });
    expect(answer?.data).to.equal(3);
  });

  it('shows examples that the tools accept', async () => {
    const { paths } = await documentOf('?style=flat');
    for (const [path, { post }] of Object.entries(paths)) {
      if (!/tree|letters|echo/.test(path)) continue;
      const body = post?.requestBody as OpenAPIV3_1.RequestBodyObject;
      const examples = body.content['application/json']?.examples ?? {};
      const { value: example } = examples['call'] as { value: unknown };
      const response = await fetch(served.url + path, {
        method: 'POST',
        headers: { ...KEY, 'Content-Type': 'application/json' },
        body: JSON.stringify(example),
      });
      await response.text();
      expect([path, response.status]).to.deep.equal([path, 200]);
    }
  });

  it('describes each event that a stream sends', async () => {
    const document = await documentOf('?version=3.2');
    const post = document.paths['/tools/letters/stream']?.post;
    type Streamed = { readonly content: Readonly<Record<string, { readonly itemSchema: object }>> };
    const { content } = (post?.responses?.['200'] ?? {}) as unknown as Streamed;
    const validate = new Ajv2020({ strict: false }).compile({
      ...content['application/x-ndjson']?.itemSchema,
      components: document.components,
    });
    const response = await fetch(`${served.url}/tools/letters/stream`, {
      method: 'POST',
      headers: { ...KEY, 'Content-Type': 'application/json', Accept: 'application/x-ndjson' },
      body: '{"arguments":{"word":"ab"}}',
    });
    const lines = (await response.text()).trim().split('\n');
    expect(lines).to.have.length(4);
    for (const line of lines) {
      validate(JSON.parse(line));
      expect([line, validate.errors]).to.deep.equal([line, null]);
    }
    validate({ event: 'chunk', index: 0, data: { letter: 5 } });
    expect(validate.errors).to.not.equal(null);
  });

  it('names every answer of the contract with its codes', async () => {
    const { components, paths } = await documentOf();
    const { post } = paths['/tools/echo'] ?? {};
    expect(Object.keys(post?.responses ?? {})).to.include.members(['200', '401', '422', '429', '503', '504']);
    const responses = components?.responses as Record<string, { description: string }>;
    expect(responses['Problem503']?.description).to.match(/overloaded.*unavailable/);
  });

  it('is asked for again at no cost until the tools change', async () => {
    const first = await fetched();
    // Weak where the document came packed.
    const etag = first.headers.get('etag')?.replace(/^W\//, '') ?? '';
    expect(first.headers.get('cache-control')).to.equal('private, no-cache');
    await first.text();
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*'])
      expect(await revalidated(tag), tag).to.match(/^HTTP\/1.1 304 [\s\S]*\r\n\r\n$/);
    expect(await statusOf(fetched('', { 'If-None-Match': '"other"' }))).to.equal(200);
    expect(await statusOf(fetched('?style=flat', { 'If-None-Match': etag }))).to.equal(200);
    await served.gateway.reload();
    expect(await revalidated(etag)).to.match(/^HTTP\/1.1 304 /); // the same tools again
  });

  it('needs a key, and says what a wrong query may be', async () => {
    expect(await statusOf(fetch(`${served.url}/openapi.json`))).to.equal(401);
    const response = await fetched('?version=2');
    const problem = (await response.json()) as { detail: string };
    expect([response.status, problem.detail]).to.deep.equal([400, '"version" is "2"; it must be 3.1 or 3.2']);
    expect(await statusOf(fetched('?style=deep'))).to.equal(400);
  });
});

describe('POST /api/{tool}', () => {
  let served: TestGateway;
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(served.url + path, {
      method: 'POST',
      headers: { ...KEY, 'Content-Type': 'application/json', ...headers },
      body,
    });

  before(async () => {
    served = await startGateway();
  });
  after(() => served.close());

  it('takes the bare arguments and answers with the bare data', async () => {
    const response = await post('/api/echo', '{"text":"é"}');
    expect(response.headers.get('x-call-id')).to.match(/^[\w-]{16}$/);
    expect(response.headers.get('content-type')).to.equal('application/json; charset=utf-8');
    expect(await response.text()).to.equal('{"text":"é"}');
    expect(await (await post('/api/count', '{"n":3}')).json()).to.deep.equal([{ i: 0 }, { i: 1 }, { i: 2 }]);
  });

  it('takes fields of the contract for arguments, since there is no contract around them', async () => {
    const problem = (await (await post('/api/echo', '{"arguments":{"text":"a"}}')).json()) as object;
    expect(problem).to.include({ code: 'invalid_arguments', status: 422 });
  });

  it('refuses as the other routes do', async () => {
    const statuses = [
      await post('/api/nothing', '{}'),
      await post('/api/echo', '[]'),
      await post('/api/echo', ''),
      await post('/api/echo', '{"text":"a"}', { Accept: 'text/event-stream' }),
      await post('/api/echo', '{"text":"a"}', { 'Content-Type': 'text/plain' }),
      await post('/api/echo', '{"text":"a"}', { 'X-API-Key': '' }),
      await fetch(`${served.url}/api/echo`, { headers: KEY }),
    ].map(async (response) => {
      await response.text();
      return response.status;
    });
    expect(await Promise.all(statuses)).to.deep.equal([404, 400, 400, 406, 415, 401, 405]);
  });
});
