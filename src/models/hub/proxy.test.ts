/** @file The way to the hub by a proxy of the environment: plain, by a tunnel, and past it. */

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildCli, runCli } from '../../../test/built-cli.ts'
import { COMMIT, clientOf } from '../../../test/hub-models.ts'
import { type HubServer, startHubServer } from '../../../test/hub-server.ts'
import { startProxy } from '../../../test/proxy-server.ts'
import { transportOf } from './proxy.ts'
import { pullModel } from './pull.ts'

let root: string
let hub: HubServer
const bytes = (text: string) => new TextEncoder().encode(text)
const files = { 'config.json': bytes('{"model_type":"llava"}'), 'model.safetensors': bytes('weights') }
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-proxy-'))
  hub = await startHubServer({ 'acme/tiny': { refs: { main: COMMIT }, files } })
})
afterAll(async () => {
  await hub.close()
  rmSync(root, { recursive: true, force: true })
})

const portOfHub = () => Number(new URL(hub.url).port)

/** Pulls into an empty cache, with the proxies that `env` names. */
async function pulled(env: NodeJS.ProcessEnv, endpoint = hub.url) {
  const { clear, ...settings } = clientOf(hub)
  return await pullModel('acme/tiny', {
    settings: { ...settings, endpoint, transport: await transportOf(env) },
  }).finally(clear)
}

test('without a proxy in the environment nothing stands between', async () => {
  expect(await transportOf({})).toBe(fetch)
  expect(await transportOf({ HTTP_PROXY: '', NO_PROXY: 'x' })).toBe(fetch)
})

test('plain HTTP goes by HTTP_PROXY, and not to hosts of NO_PROXY', async () => {
  const proxy = await startProxy({ port: portOfHub() })
  const { files: got } = await pulled({ HTTP_PROXY: proxy.url, NO_PROXY: 'example.org, localhost' })
  expect(got).toHaveLength(2)
  // The storage is at `localhost`: past the proxy.
  expect(proxy.requests.filter((line) => line.startsWith(`GET ${hub.url}/acme/tiny/resolve/`))).not.toEqual(
    [],
  )
  expect(proxy.requests.filter((line) => line.includes('localhost'))).toEqual([])
  const asked = proxy.requests.length
  await pulled({ http_proxy: proxy.url.replace('http://', ''), no_proxy: '127.0.0.1,localhost' })
  await pulled({ http_proxy: proxy.url, NO_PROXY: '*' })
  expect(proxy.requests).toHaveLength(asked)
  await proxy.close()
})

test('ALL_PROXY stands in, an own variable and small letters win', async () => {
  const proxy = await startProxy({ port: portOfHub() })
  await pulled({ ALL_PROXY: proxy.url })
  expect(proxy.requests.length).toBeGreaterThan(0)
  await pulled({ ALL_PROXY: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: proxy.url })
  await proxy.close()
})

test('a proxy that is not there, or refuses the tunnel, is an error that says so', async () => {
  const proxy = await startProxy({ port: portOfHub(), refuse: 407 })
  const away = 'https://hub.invalid'
  await expect(pulled({ HTTPS_PROXY: proxy.url }, away)).rejects.toMatchObject({
    code: 'hub/unreachable',
    message: expect.stringMatching(/407/),
    hint: expect.stringMatching(/HTTPS_PROXY/),
  })
  expect(new Set(proxy.requests)).toEqual(new Set(['CONNECT hub.invalid:443']))
  await proxy.close()
  await expect(pulled({ HTTPS_PROXY: proxy.url }, away)).rejects.toMatchObject({ code: 'hub/unreachable' })
})

test.each(['socks5://127.0.0.1:1080', 'http://', '://x'])('%s is no HTTP proxy', async (address) => {
  await expect(transportOf({ HTTPS_PROXY: address })).rejects.toMatchObject({
    code: 'hub/proxy',
    exitCode: 2,
  })
})

const hasOpenssl = spawnSync('openssl', ['version']).status === 0

test.runIf(hasOpenssl)(
  'HTTPS goes through a tunnel of HTTPS_PROXY',
  async () => {
    const [key, cert] = [join(root, 'key.pem'), join(root, 'cert.pem')]
    const subject = ['-subj', '/CN=hub.invalid', '-addext', 'subjectAltName=DNS:hub.invalid', '-days', '2']
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...subject],
      {
        stdio: 'ignore',
      },
    )
    const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
    const proxy = await startProxy({ port: portOfHub(), tls })
    await buildCli()
    const none = {
      HTTP_PROXY: '',
      http_proxy: '',
      https_proxy: '',
      ALL_PROXY: '',
      all_proxy: '',
      no_proxy: '',
    }
    const env = {
      ...none,
      HTTPS_PROXY: proxy.url,
      NO_PROXY: 'localhost',
      NODE_EXTRA_CA_CERTS: cert,
      HF_ENDPOINT: 'https://hub.invalid',
    }
    const { code, stderr } = await runCli(['pull', 'acme/tiny'], {
      env: { ...env, HF_HOME: join(root, 'tunnel'), HF_HUB_OFFLINE: '' },
    })
    expect(stderr).toMatch(/fetched 2/)
    expect(code).toBe(0)
    expect(new Set(proxy.requests)).toEqual(new Set(['CONNECT hub.invalid:443']))
    await proxy.close()
  },
  240_000,
)
