/**
 * @file Chooses the way to the hub: direct, or through the proxy that the environment names, as
 * curl and Python do. Node 20's own `fetch` uses no proxy.
 */

import { HubError } from './errors.ts'

/**
 * Environment variables. Node's own type would oblige users of the library to install Node's types.
 */
export type Environment = Readonly<Record<string, string | undefined>>

/** `fetch`, as far as the hub's client needs it. */
export type Transport = (
  url: URL,
  init: { method: string; redirect: 'manual'; headers: Record<string, string>; signal: AbortSignal },
) => Promise<Response>

/**
 * Reads `HTTPS_PROXY` and `HTTP_PROXY` (`ALL_PROXY` where one is absent) and `NO_PROXY`. The same
 * names in small letters take precedence. HTTPS without a proxy of its own uses that of HTTP, as in
 * undici.
 * @throws HubError `hub/proxy` for an address that is none
 */
export async function transportOf(env: Environment): Promise<Transport> {
  const all = addressIn(env, 'ALL_PROXY')
  const [httpProxy, httpsProxy] = [addressIn(env, 'HTTP_PROXY') ?? all, addressIn(env, 'HTTPS_PROXY') ?? all]
  if (httpProxy === undefined && httpsProxy === undefined) return fetch
  // Both come from one package: a dispatcher does not fit the `fetch` of another version.
  const { EnvHttpProxyAgent, fetch: sent } = await import('undici')
  const noProxy = valueIn(env, 'NO_PROXY') ?? ''
  // A tunnel for HTTPS alone: proxies often refuse a tunnel to port 80.
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: httpProxy ?? '',
    httpsProxy: httpsProxy ?? '',
    noProxy,
    proxyTunnel: false,
  })
  return async (url, init) => await sent(url, { ...init, dispatcher })
}

function valueIn(env: Environment, name: string): string | undefined {
  return env[name.toLowerCase()] || env[name] || undefined
}

function addressIn(env: Environment, name: string): string | undefined {
  const value = valueIn(env, name)
  if (value === undefined) return undefined
  const address = value.includes('://') ? value : `http://${value}`
  if (URL.canParse(address) && /^https?:/i.test(address)) return address
  throw new HubError('proxy', {
    message: `${name}=${value} is not the address of an HTTP proxy`,
    hint: 'Write http://HOST:PORT, with http://USER:PASSWORD@HOST:PORT where it wants to know you; SOCKS proxies are not supported.',
  })
}
