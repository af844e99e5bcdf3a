// An authority with the addresses of Entra ID, played by oidc-provider on https://localhost.
//
//   node oidc.mjs '{"certificate", "key", "tenant", "client_id", "client_secret", "redirect_uri", "resources"}'
//
// It prints {"authority"} when it listens, and ends when its standard input does. Entra's clients name a resource inside
// the scope; oidc-provider wants the parameter of RFC 8707. That and the tenant in the path are all that is added here.
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { text } from 'node:stream/consumers'
import Provider from 'oidc-provider'

const asked = JSON.parse(process.argv[2])
const prefix = `/${asked.tenant}/v2.0`
const scopeOf = resource => `${resource}/.default`
let handle

const server = createServer({ cert: readFileSync(asked.certificate), key: readFileSync(asked.key) }, async (req, res) => {
  const url = new URL(req.url, 'https://localhost')
  if (!url.pathname.startsWith(prefix)) {
    res.writeHead(404).end()
    return
  }
  const path = url.pathname.slice(prefix.length)
  if (path === '/auth') offerEveryResource(url.searchParams)
  req.originalUrl = url.pathname + url.search
  req.url = path + url.search
  if (path === '/token') req.body = namingTheResource(await text(req))
  handle(req, res)
})

// One sign-in with Entra is good for every resource that the person has consented to.
function offerEveryResource(query) {
  const scopes = new Set((query.get('scope') ?? '').split(' '))
  for (const resource of asked.resources) {
    scopes.add(scopeOf(resource))
    query.append('resource', resource)
  }
  query.set('scope', [...scopes].join(' '))
  // Without this, OpenID Connect lets a provider drop offline_access, and oidc-provider does.
  query.set('prompt', 'consent')
}

function namingTheResource(content) {
  const form = Object.fromEntries(new URLSearchParams(content))
  const scopes = (form.scope ?? '').split(' ')
  const resource = asked.resources.find(candidate => scopes.includes(scopeOf(candidate)))
  return resource ? { ...form, resource } : form
}

function configuration() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'provider' }] },
    clients: [{
      client_id: asked.client_id,
      client_secret: asked.client_secret,
      redirect_uris: [asked.redirect_uri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_post',
    }],
    cookies: { keys: ['only for this run'] },
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'] },
    scopes: ['openid', 'offline_access'],
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    findAccount: (ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: id, preferred_username: `${id}@contoso.example` }),
    }),
    features: {
      devInteractions: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx, client, oneOf) => oneOf ?? asked.resources[0],
        getResourceServerInfo: (ctx, resource) => ({
          audience: resource,
          scope: scopeOf(resource),
          accessTokenFormat: 'jwt',
          accessTokenTTL: 3600,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  }
}

process.stdin.resume().on('end', () => process.exit(0))
server.listen(0, '127.0.0.1', () => {
  const authority = `https://localhost:${server.address().port}`
  const provider = new Provider(authority + prefix, configuration())
  provider.proxy = true
  handle = provider.callback()
  console.log(JSON.stringify({ authority }))
})
