import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type StartedMcp, startMcp } from './start-mcp.ts';
import { exchange, SUPER, WireClient } from './wire-client.ts';

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

const AUDIENCE = 'https://gateway.example/mcp';
const METADATA = 'https://gateway.example/.well-known/oauth-protected-resource/mcp';

/** An authorization server: a key set over HTTP, and tokens. */
class Issuer {
  readonly url: string;
  readonly #server: Server;
  readonly #key: PrivateKey;
  readonly requests: string[];

  private constructor(server: Server, key: PrivateKey, requests: string[]) {
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#server = server;
    this.#key = key;
    this.requests = requests;
  }

  static async start(): Promise<Issuer> {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' };
    const requests: string[] = [];
    const server = createServer((request, response) => {
      requests.push(request.url ?? '');
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Issuer(server, privateKey, requests);
  }

  token(claims: Record<string, unknown> = {}, expiresIn = '5m', key = this.#key): Promise<string> {
    return new SignJWT({ scope: 'mcp:call other', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(String(claims['iss'] ?? this.url))
      .setAudience(String(claims['aud'] ?? AUDIENCE))
      .setSubject(String(claims['sub'] ?? 'ada'))
      .setExpirationTime(expiresIn)
      .sign(key);
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('OAuth on /mcp', () => {
  let issuer: Issuer;
  let mcp: StartedMcp;
  before(async () => {
    issuer = await Issuer.start();
    mcp = await startMcp({
      oauth: { issuer: issuer.url, audience: AUDIENCE, jwksUri: `${issuer.url}/keys`, scopes: ['mcp:call'] },
    });
  });
  after(async () => {
    await mcp.close();
    await issuer.close();
  });

  async function ping(headers: Record<string, string>) {
    const { status, headers: given } = await new WireClient(mcp.url, headers).stateless('tools/list').done;
    return { status, challenge: given['www-authenticate'] };
  }

  it('serves a caller whose token is of the issuer, for this server, with the scope', async () => {
    expect(await ping(bearer(await issuer.token()))).to.include({ status: 200 });
    expect(issuer.requests).to.deep.equal(['/keys']);
  });

  it('goes on taking API keys', async () => {
    expect(await ping(SUPER)).to.include({ status: 200 });
    expect(await ping(bearer('super-secret'))).to.include({ status: 200 });
  });

  it('tells a caller without a token where to get one', async () => {
    expect(await ping({})).to.deep.equal({
      status: 401,
      challenge: `Bearer scope="mcp:call", resource_metadata="${METADATA}"`,
    });
  });

  it('publishes which authorization server that is, without a key', async () => {
    for (const path of ['', '/mcp']) {
      const url = new URL(`/.well-known/oauth-protected-resource${path}`, mcp.url).href;
      const { status, last } = await exchange(url, 'GET', {}).done;
      expect(status).to.equal(200);
      expect(last).to.deep.equal({
        resource: AUDIENCE,
        authorization_servers: [issuer.url],
        scopes_supported: ['mcp:call'],
        bearer_methods_supported: ['header'],
      });
    }
  });

  it('refuses tokens for others, of others, expired or unsigned', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    const [header, payload] = (await issuer.token()).split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
    const bad = {
      audience: await issuer.token({ aud: 'https://other.example' }),
      issuer: await issuer.token({ iss: 'https://other.example' }),
      expired: await issuer.token({}, '-1m'),
      key: await issuer.token({}, '5m', privateKey),
      signature: `${header}.${payload}.AAAA`,
      none: `${none}.${payload}.`,
      garbage: 'a.b.c',
    };
    for (const [flaw, token] of Object.entries(bad)) {
      const { status, challenge } = await ping(bearer(token));
      expect(status, flaw).to.equal(401);
      expect(challenge, flaw).to.match(/^Bearer error="invalid_token", error_description="[^"]+", scope=/);
    }
  });

  it('answers 403 and names the scope when the token lacks it', async () => {
    const { status, challenge } = await ping(bearer(await issuer.token({ scope: 'other' })));
    expect(status).to.equal(403);
    expect(challenge).to.match(/^Bearer error="insufficient_scope".* scope="mcp:call", resource_metadata=/);
  });

  it('binds a session to the holder of the token, whatever token the holder brings', async () => {
    const client = new WireClient(mcp.url, bearer(await issuer.token()));
    await client.initialize();
    expect((await client.call('ping', {}, 1, bearer(await issuer.token({ jti: '2' }))).done).status).to.equal(
      200,
    );
    const other = bearer(await issuer.token({ sub: 'bob' }));
    expect((await client.call('ping', {}, 1, other).done).status).to.equal(404);
    await client.end().done;
  });

  it('takes no token from the query', async () => {
    const url = `${mcp.url}?access_token=${await issuer.token()}`;
    expect((await new WireClient(url, {}).stateless('tools/list').done).status).to.equal(401);
  });
});

describe('OAuth against guesses', () => {
  it('limits bad tokens as it does wrong keys, with them, and lets good ones through', async () => {
    const issuer = await Issuer.start();
    const mcp = await startMcp({
      oauth: { issuer: issuer.url, audience: AUDIENCE, jwksUri: `${issuer.url}/keys`, scopes: [] },
    });
    const statusWith = async (token: string) =>
      (await new WireClient(mcp.url, bearer(token)).stateless('tools/list').done).status;
    const statuses: number[] = [];
    for (let guess = 0; guess < 6; guess++)
      statuses.push(await statusWith('a.b.c'), await statusWith('wrong'));
    expect(statuses).to.deep.equal([...new Array(10).fill(401), 429, 429]);
    expect(await statusWith(await issuer.token())).to.equal(200);
    expect(await statusWith('super-secret')).to.equal(200);
    await mcp.close();
    await issuer.close();
  });
});

describe('OAuth without its issuer', () => {
  it('answers 503 while the keys cannot be fetched, and tells the operator why', async () => {
    const issuer = await Issuer.start();
    const token = await issuer.token();
    await issuer.close();
    const logged: string[] = [];
    const mcp = await startMcp({
      oauth: { issuer: issuer.url, audience: AUDIENCE, jwksUri: `${issuer.url}/keys`, scopes: [] },
      log: (level, message) => void logged.push(`${level}: ${message}`),
    });
    const reply = await new WireClient(mcp.url, bearer(token)).stateless('tools/list').done;
    expect([reply.status, reply.headers['retry-after']]).to.deep.equal([503, '5']);
    expect(logged.filter((line) => line.startsWith('warning'))).to.deep.equal([
      "warning: an access token cannot be checked without the issuer's keys",
    ]);
    await mcp.close();
  });
});
