/** The options of /mcp: what older clients find, and OAuth, where an issuer is trusted besides keys. */
import { option, type Rule, type ValuesOf } from '../../../config/option.ts';
import { list, onOff, optionalUrl } from '../../../config/value-kind.ts';

export const mcpHttpOptions = {
  legacySse: option({
    env: 'LEGACY_SSE',
    flag: '--legacy-sse',
    kind: onOff(),
    default: 'on',
    summary: 'Whether GET /sse and POST /messages serve MCP clients that know HTTP+SSE only.',
    reason: 'Many clients still begin with it, or fall back to it.',
  }),
  toolSearch: option({
    env: 'TOOL_SEARCH',
    flag: '--tool-search',
    kind: onOff(),
    default: 'off',
    summary:
      'Whether MCP clients are told of two tools, `search_tools` and `call_tool`, in the place of all.',
    reason:
      'Worth it from some forty tools on: a long list takes the room of what a model is to think about.',
  }),
  oauthIssuer: option({
    env: 'OAUTH_ISSUER',
    flag: '--oauth-issuer',
    kind: optionalUrl(),
    default: '',
    summary: 'The issuer whose access tokens /mcp accepts besides API keys; needs the two options below.',
    reason: 'Keys are enough until you have an identity provider.',
  }),
  oauthAudience: option({
    env: 'OAUTH_AUDIENCE',
    flag: '--oauth-audience',
    kind: optionalUrl(),
    default: '',
    summary: 'The audience that access tokens must have: the address of /mcp as clients know it.',
    reason: 'Goes with OAUTH_ISSUER.',
  }),
  oauthJwksUri: option({
    env: 'OAUTH_JWKS_URI',
    flag: '--oauth-jwks-uri',
    kind: optionalUrl(),
    default: '',
    summary: "The address of the issuer's public keys.",
    reason: 'Goes with OAUTH_ISSUER.',
  }),
  oauthScopes: option({
    env: 'OAUTH_SCOPES',
    flag: '--oauth-scopes',
    kind: list(/^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+$/, 'scopes separated by commas', 'scopes'),
    default: '',
    summary: 'Scopes that an access token must have, separated by commas.',
    reason: 'Whoever the issuer gives a token for this audience may call.',
  }),
};

export const mcpHttpRules: readonly Rule<ValuesOf<typeof mcpHttpOptions> & { readonly auth: boolean }>[] = [
  {
    about: ['oauthIssuer', 'oauthAudience', 'oauthJwksUri'],
    whenListening: true,
    refusal({ oauthIssuer, oauthAudience, oauthJwksUri }) {
      const values = {
        OAUTH_ISSUER: oauthIssuer,
        OAUTH_AUDIENCE: oauthAudience,
        OAUTH_JWKS_URI: oauthJwksUri,
      };
      const names = Object.entries(values);
      const missing = names.filter(([, value]) => value === '').map(([name]) => name);
      const given = names.filter(([, value]) => value !== '').map(([name]) => name);
      if (missing.length === 0 || given.length === 0) return undefined;
      return (
        `${missing.join(' and ')} is not set and ${given.join(' and ')} is; expected all of OAUTH_ISSUER, ` +
        'OAUTH_AUDIENCE and OAUTH_JWKS_URI, or none of them'
      );
    },
  },
  {
    about: ['oauthIssuer', 'auth'],
    whenListening: true,
    refusal: ({ oauthIssuer, auth }) =>
      oauthIssuer !== '' && !auth
        ? `AUTH (--no-auth) is off and OAUTH_ISSUER is "${oauthIssuer}"; expected AUTH on where tokens count`
        : undefined,
  },
];
