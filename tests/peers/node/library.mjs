// A client as its author would write it with openid-client and oauth4webapi, and that knows nothing but the API's address:
// who gives tokens for it, registers there, calls it, asks about its token, revokes it, and leaves.
// argv[2]: {resource, scope, other_scope, registration_token, method}; prints what it has done.
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';

const { resource, scope, other_scope, registration_token, method } = JSON.parse(process.argv[2]);
const insecure = { [oauth.allowInsecureRequests]: true };
const done = (what) => console.log(`${method}: ${what}`);

/// What gateways do a moment after the registry has answered.
async function eventually(what, attempt) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const found = await attempt();
    if (found) return found;
    assert(Date.now() < deadline, `not in time: ${what}`);
    await setTimeout(10);
  }
}

// RFC 9728, then RFC 8414.
const unasked = await fetch(resource);
assert.equal(unasked.status, 401);
const challenge = unasked.headers.get('www-authenticate');
const described = await oauth.resourceDiscoveryRequest(new URL(resource), insecure);
assert(challenge.includes(`resource_metadata="${described.url}"`), challenge);
const { authorization_servers, scopes_supported } = await oauth.processResourceDiscoveryResponse(new URL(resource), described);
assert.deepEqual(scopes_supported, [scope]);
const issuer = new URL(authorization_servers[0]);
done('found the authorization server');

// RFC 7591.
const metadata = {
  client_name: 'off the shelf', grant_types: ['client_credentials'], response_types: [],
  token_endpoint_auth_method: method, scope, resources: [resource],
};
let proves = { client_secret_basic: openid.ClientSecretBasic(), client_secret_post: openid.ClientSecretPost() }[method];
if (method === 'private_key_jwt') {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  metadata.jwks = { keys: [{ ...jwk, kid, alg: 'ES256', use: 'sig' }] };
  proves = openid.PrivateKeyJwt({ key: privateKey, kid });
}
const known = { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] };
const register = (token) => openid.dynamicClientRegistration(issuer, metadata, proves, { ...known, initialAccessToken: token });
await assert.rejects(register('nobody-gave-this'), { status: 401 });
const config = await register(registration_token);
const registered = config.clientMetadata();
assert.equal(registered.token_endpoint_auth_method, method);
assert.equal('client_secret' in registered, method !== 'private_key_jwt');
done('registered');

// RFC 6749, RFC 8707, RFC 9068.
const grant = (parameters) => openid.clientCredentialsGrant(config, parameters);
const { access_token: token, ...told } = await grant({ scope, resource });
assert.deepEqual([told.token_type, told.scope, told.expires_in], ['bearer', scope, 300]);
const presented = new Request(resource, { headers: { authorization: `Bearer ${token}` } });
const claims = await oauth.validateJwtAccessToken(config.serverMetadata(), presented, resource, insecure);
assert.equal(claims.client_id, registered.client_id);
await assert.rejects(grant({ scope: other_scope }), { error: 'invalid_scope', status: 400 });
await assert.rejects(grant({ resource: 'https://elsewhere.example/' }), { error: 'invalid_target', status: 400 });
done('got a token');

// RFC 6750.
async function call(token) {
  try {
    return (await openid.fetchProtectedResource(config, token, new URL(resource), 'GET')).status;
  } catch (error) {
    const [refusal] = error.cause ?? [];
    assert.deepEqual([refusal.scheme, refusal.parameters.error], ['bearer', 'invalid_token']);
    return error.status;
  }
}
await eventually('the API answers', async () => (await call(token)) === 200);
done('called the API');

// RFC 7662, RFC 7009.
const asked = await openid.tokenIntrospection(config, token);
assert.deepEqual([asked.active, asked.client_id, asked.scope, asked.iss], [true, registered.client_id, scope, claims.iss]);
assert.deepEqual(await openid.tokenIntrospection(config, 'nobody-gave-this'), { active: false });
await openid.tokenRevocation(config, token);
assert.deepEqual(await openid.tokenIntrospection(config, token), { active: false });
await eventually('the API refuses', async () => (await call(token)) === 401);
done('revoked it, and was refused');

// RFC 7592: no library here does this.
let access = registered.registration_access_token;
async function manage(verb, body) {
  const headers = { authorization: `Bearer ${access}`, 'content-type': 'application/json' };
  return fetch(registered.registration_client_uri, { method: verb, headers, body: body && JSON.stringify(body) });
}
const read = await manage('GET');
assert.equal(read.status, 200);
assert.equal((await read.json()).client_name, 'off the shelf');
const updated = await manage('PUT', { ...metadata, client_id: registered.client_id, client_name: 'renamed' });
assert.equal(updated.status, 200);
const renamed = await updated.json();
assert.equal(renamed.client_name, 'renamed');
assert.equal((await manage('GET')).status, 401, 'the token was replaced');
access = renamed.registration_access_token;
const { access_token: second } = await grant({ scope, resource });
await eventually('the API answers again', async () => (await call(second)) === 200);
assert.equal((await manage('DELETE')).status, 204);
assert.equal((await manage('GET')).status, 401);
await assert.rejects(grant({ scope, resource }), { status: 401 });
await eventually('the API refuses who has left', async () => (await call(second)) === 401);
done('left');
