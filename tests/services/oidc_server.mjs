// The tests' OpenID provider: oidc-provider with a SAML bearer grant (RFC 7522) of our own, which it lacks.
// What it needs is the JSON file named as first argument.
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const settings = JSON.parse(readFileSync(process.argv[2]));
const installed = createRequire(settings.modules + '/');
const load = async (name) => import(pathToFileURL(installed.resolve(name)));
const { default: Provider } = await load('oidc-provider');
const { SignedXml } = await load('xml-crypto');
const { DOMParser } = await load('@xmldom/xmldom');
const { select } = await load('xpath').then((module) => module.default);

const SAML = 'urn:ietf:params:oauth:grant-type:saml2-bearer';
const issuer = `https://127.0.0.1:${settings.port}`;
const subjects = new Map(); // by token
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'finport', client_secret: settings.secret, redirect_uris: [], response_types: [],
      grant_types: ['client_credentials', SAML], token_endpoint_auth_method: 'client_secret_basic',
    },
    {
      client_id: 'vouched', redirect_uris: [], response_types: [], grant_types: [SAML],
      token_endpoint_auth_method: 'none',
    },
    {
      client_id: 'signing', redirect_uris: [], response_types: [], grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: settings.keys },
    },
    {
      client_id: 'sharing', client_secret: settings.secret, redirect_uris: [], response_types: [],
      grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_jwt',
    },
  ],
  scopes: ['prices'],
  ttl: { ClientCredentials: settings.seconds },
  features: { clientCredentials: { enabled: true }, revocation: { enabled: true }, devInteractions: { enabled: false } },
  enabledJWA: { clientAuthSigningAlgValues: ['HS256', 'RS256', 'PS256', 'ES256', 'EdDSA'] },
  cookies: { keys: [settings.secret] },
});

provider.registerGrantType(SAML, async (ctx) => {
  const subject = vouchedFor(Buffer.from(ctx.oidc.params.assertion, 'base64url').toString());
  if (subject === null) {
    ctx.status = 400;
    ctx.body = { error: 'invalid_grant' };
    return;
  }
  const token = new provider.ClientCredentials({ client: ctx.oidc.client, scope: 'prices' });
  const text = await token.save();
  subjects.set(text, subject);
  ctx.body = { access_token: text, token_type: 'Bearer', expires_in: token.expiration };
}, ['assertion', 'scope']);

// Whom an assertion vouches for, by what its signature covers; null where it is not for us, here and now.
function vouchedFor(xml) {
  try {
    const [signature] = select("//*[local-name(.)='Signature']", new DOMParser().parseFromString(xml, 'text/xml'));
    const check = new SignedXml({ publicCert: readFileSync(settings.certificate) });
    check.loadSignature(signature);
    if (!check.checkSignature(xml)) return null;
    const signed = new DOMParser().parseFromString(check.getSignedReferences()[0], 'text/xml');
    const text = (path) => select(`string(${path})`, signed);
    const facts = "//*[local-name(.)='SubjectConfirmationData']/";
    const isGood = text("//*[local-name(.)='Audience']") === settings.audience
      && text(`${facts}@Recipient`) === `${issuer}/token` && new Date(text(`${facts}@NotOnOrAfter`)) > new Date();
    return isGood ? text("//*[local-name(.)='NameID']") : null;
  } catch (error) {
    console.error(error);
    return null;
  }
}

const callback = provider.callback();
const tls = { key: readFileSync(settings.key_file), cert: readFileSync(settings.certificate_file) };
https.createServer(tls, async (request, response) => {
  if (request.url !== '/prices') return callback(request, response);
  const text = (request.headers.authorization || '').replace(/^Bearer /, '');
  const token = await provider.ClientCredentials.find(text);
  response.writeHead(token?.isValid ? 200 : 401, { 'Content-Type': 'application/json' });
  return response.end(JSON.stringify(token?.isValid ? { client: token.clientId, subject: subjects.get(text) } : {}));
}).listen(settings.port, '127.0.0.1');
