// Signs somebody in at a provider by the code flow, and prints the ID token: what an API must never accept.
// argv[2]: {issuer, client_id, client_secret, redirect_uri}
const { issuer, client_id, client_secret, redirect_uri } = JSON.parse(process.argv[2]);
const { createHash, randomBytes } = await import('node:crypto');

const cookies = new Map();
async function visit(address) {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const answer = await fetch(address, { redirect: 'manual', headers: { cookie } });
  for (const set of answer.headers.getSetCookie()) {
    const [name, value] = set.split(';')[0].split(/=(.*)/s);
    cookies.set(name, value);
  }
  const location = answer.headers.get('location');
  if (!location) throw new Error(`${answer.status} without a redirect: ${await answer.text()}`);
  return new URL(location, address).href;
}

const verifier = randomBytes(32).toString('base64url');
const question = new URLSearchParams({
  client_id, redirect_uri, response_type: 'code', scope: 'openid',
  code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
});
let address = `${issuer}/auth?${question}`;
while (!address.startsWith(redirect_uri)) address = await visit(address);
const code = new URL(address).searchParams.get('code');
if (!code) throw new Error(`no code: ${address}`);
const answer = await fetch(`${issuer}/token`, {
  method: 'POST',
  headers: { authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}` },
  body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri, code_verifier: verifier }),
});
const tokens = await answer.json();
if (!tokens.id_token) throw new Error(JSON.stringify(tokens));
console.log(JSON.stringify(tokens));
