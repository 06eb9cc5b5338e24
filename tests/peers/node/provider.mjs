// oidc-provider with registration, management, client credentials, introspection and revocation.
// argv[2]: the options, as tests/peers/src/oidc_provider.rs writes them. What it must remember lies in the working folder.
import { createServer } from 'node:http';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import Provider, { errors } from 'oidc-provider';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { FileAdapter } from './adapter.mjs';
import { autoInteractions } from './interactions.mjs';

const options = JSON.parse(process.argv[2]);

// What a token is for decides its form: the path of the resource says which.
const RESOURCES = {
  orders: { format: 'jwt', alg: 'ES256' },
  rs256: { format: 'jwt', alg: 'RS256' },
  ps256: { format: 'jwt', alg: 'PS256' },
  ed25519: { format: 'jwt', alg: 'Ed25519' },
  azp: { format: 'jwt', alg: 'ES256', claims: { azp: 'another-client' } },
  opaque: { format: 'opaque' },
};

async function key(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg, use: 'sig' };
}

async function keys() {
  if (!existsSync('keys.json')) {
    const made = await Promise.all(['RS256', 'ES256', 'PS256', 'Ed25519'].map(key));
    writeFileSync('keys.json', JSON.stringify({ keys: made }));
  }
  return JSON.parse(readFileSync('keys.json'));
}

function resource(indicator) {
  const found = indicator.startsWith(options.resources) && RESOURCES[indicator.slice(options.resources.length)];
  if (!found) throw new errors.InvalidTarget();
  return found;
}

function configuration(jwks) {
  return {
    jwks,
    adapter: FileAdapter,
    clients: options.clients,
    clientDefaults: {
      grant_types: ['client_credentials'], response_types: [], redirect_uris: [],
      token_endpoint_auth_method: 'client_secret_basic',
    },
    scopes: ['openid', 'offline_access', ...options.scopes],
    ttl: { ClientCredentials: () => options.token_lifetime, RegistrationAccessToken: undefined },
    findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    extraTokenClaims: async (ctx, token) => (token.aud ? resource(token.aud).claims : undefined),
    cookies: { keys: ['signs cookies of tests'] },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: {
        enabled: true,
        allowedPolicy: async (ctx, client, token) => client.clientId === options.introspector || token.clientId === client.clientId,
      },
      revocation: { enabled: true, allowedPolicy: async (ctx, client, token) => token.clientId === client.clientId },
      registration: { enabled: true, initialAccessToken: options.initial_access_token },
      registrationManagement: { enabled: true, rotateRegistrationAccessToken: options.rotates_registration_access_tokens },
      resourceIndicators: {
        enabled: true,
        defaultResource: async (ctx, client, oneOf) => oneOf ?? (ctx.oidc.params.scope?.includes('openid') ? undefined : `${options.resources}orders`),
        useGrantedResource: async () => true,
        getResourceServerInfo: async (ctx, indicator) => {
          const { format, alg } = resource(indicator);
          return {
            scope: options.scopes.join(' '), audience: indicator,
            accessTokenTTL: options.token_lifetime, accessTokenFormat: format,
            ...(alg && { jwt: { sign: { alg } } }),
          };
        },
      },
    },
  };
}

const jwks = await keys();
const server = createServer();
server.listen(options.port, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration(jwks));
  provider.on('server_error', (ctx, error) => console.error('server_error', error));
  autoInteractions(provider);
  const answer = provider.callback();
  server.on('request', (request, response) => {
    console.log(`request ${request.method} ${request.url.split('?')[0]}`);
    answer(request, response);
  });
  console.log(`ready ${issuer}`);
});
