/** @file Pulls that end in an error: what it says, and what it advises. */

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { failureOf, type HubClient, NEEDED, startHubClient } from '../../../test/hub-client.ts'
import { COMMIT } from '../../../test/hub-models.ts'
import { type Fault, GOOD_TOKEN } from '../../../test/hub-server.ts'

let hub: HubClient
beforeEach(async () => {
  hub = await startHubClient()
})
afterEach(() => hub.close())

interface Refusal {
  name?: string
  token?: string
  fault?: Fault
  code: string
  exitCode: number
  says: RegExp
  hints: RegExp
}

const always = (fault: Fault): Fault => ({ times: 99, ...fault })

const refusals: Readonly<Record<string, Refusal>> = {
  'a gated model without a token': {
    name: 'acme/gated',
    code: 'hub/gated',
    exitCode: 3,
    says: /acme\/gated is gated.*no token.*401/,
    hints: /Accept its conditions at http.*acme\/gated.*HF_TOKEN/,
  },
  'a gated model for others': {
    name: 'acme/closed',
    token: GOOD_TOKEN,
    code: 'hub/gated',
    exitCode: 3,
    says: /account of your token.*403/,
    hints: /Accept its conditions/,
  },
  'a bad token': {
    token: 'hf_bad',
    code: 'hub/token',
    exitCode: 3,
    says: /does not accept the token/,
    hints: /settings\/tokens.*expired/,
  },
  'an absent model': {
    name: 'acme/none',
    code: 'hub/no-repository',
    exitCode: 3,
    says: /no model acme\/none, or it is private.*no folder/,
    hints: /HF_TOKEN/,
  },
  'an absent model, with a token': {
    name: 'acme/none',
    token: GOOD_TOKEN,
    code: 'hub/no-repository',
    exitCode: 3,
    says: /no model acme\/none \(HTTP 404\)/,
    hints: /Check the name\./,
  },
  'a private model': {
    name: 'acme/private',
    code: 'hub/no-repository',
    exitCode: 3,
    says: /or it is private/,
    hints: /HF_TOKEN/,
  },
  'an absent branch': {
    name: 'acme/tiny@v9',
    code: 'hub/no-revision',
    exitCode: 3,
    says: /acme\/tiny has no revision v9/,
    hints: /branches and tags/,
  },
  'an absent commit': {
    name: `acme/tiny@${'d'.repeat(40)}`,
    code: 'hub/no-revision',
    exitCode: 3,
    says: /no revision d{40}/,
    hints: /commit/,
  },
  'a file that vanished': {
    fault: { on: /GET \/acme\/tiny.*config.json/, status: 404, headers: { 'x-error-code': 'EntryNotFound' } },
    code: 'hub/no-file',
    exitCode: 3,
    says: /no file config.json at revision a{40}/,
    hints: /tree/,
  },
  'access refused': {
    fault: { on: /GET \/acme/, status: 403, times: 99, headers: { 'x-error-message': 'Fine-grained token' } },
    code: 'hub/forbidden',
    exitCode: 3,
    says: /Fine-grained token/,
    hints: /right to read/,
  },
  'too many requests': {
    fault: always({ on: /GET \/api/, status: 429 }),
    code: 'hub/rate-limit',
    exitCode: 1,
    says: /429/,
    hints: /HF_TOKEN/,
  },
  'a long Retry-After': {
    fault: { on: /GET \/api/, status: 429, headers: { 'retry-after': '3600' } },
    code: 'hub/rate-limit',
    exitCode: 1,
    says: /Retry-After: 3600/,
    hints: /Wait/,
  },
  'a hub that is down': {
    fault: always({ on: /GET \/api/, status: 503 }),
    code: 'hub/unavailable',
    exitCode: 1,
    says: /503, after 3 attempts/,
    hints: /later/,
  },
  'a storage that is down': {
    fault: always({ on: /GET \/cdn/, status: 500 }),
    code: 'hub/unavailable',
    exitCode: 1,
    says: /500/,
    hints: /later/,
  },
  'connections that always break': {
    fault: always({ on: /GET \/cdn/, cutAfter: 0 }),
    code: 'hub/unreachable',
    exitCode: 1,
    says: /connections break/,
    hints: /goes on where it stopped/,
  },
  'a login page': {
    fault: { on: /GET \/api/, body: '<html>' },
    code: 'hub/answer',
    exitCode: 3,
    says: /unexpected answer for the list/,
    hints: /HF_ENDPOINT/,
  },
  'an odd status': {
    fault: { on: /GET \/api/, status: 418 },
    code: 'hub/answer',
    exitCode: 3,
    says: /HTTP 418/,
    hints: /HF_ENDPOINT/,
  },
  'an endless redirect': {
    fault: always({ on: /GET \/api/, status: 302, headers: { location: '/api/again' } }),
    code: 'hub/answer',
    exitCode: 3,
    says: /10 redirects/,
    hints: /HF_ENDPOINT/,
  },
  'other bytes': {
    fault: always({ on: /GET \/cdn/, corrupt: true }),
    code: 'hub/checksum',
    exitCode: 3,
    says: /model-0000\d-of-00002.safetensors of acme\/tiny.*checksum [0-9a-f]{64}, expected [0-9a-f]{64}, twice/,
    hints: /part was removed/,
  },
  'other bytes of a small file': {
    fault: always({ on: /GET \/acme.*config/, corrupt: true }),
    code: 'hub/checksum',
    exitCode: 3,
    says: /checksum [0-9a-f]{40}, expected/,
    hints: /part was removed/,
  },
  'no name': {
    name: './models',
    code: 'hub/name',
    exitCode: 2,
    says: /"\.\/models" is no name/,
    hints: /org\/name@revision/,
  },
}

describe('refusals', () => {
  test.each(Object.entries(refusals))(
    '%s',
    async (_, { name = 'acme/tiny', token, fault, code, exitCode, says, hints }) => {
      if (fault !== undefined) hub.server.faults.push(fault)
      const error = await failureOf(hub.pull(name, { settings: { ...hub.settings, token } }))
      expect(error).toMatchObject({ code, exitCode })
      expect(error.message).toMatch(says)
      expect(error.hint).toMatch(hints)
      expect(existsSync(join(hub.settings.cache, 'models--acme--tiny/refs'))).toBe(false)
    },
  )

  test('one bad download is repaired', async () => {
    hub.server.faults.push({ on: /GET \/cdn/, corrupt: true })
    expect((await hub.pull()).files).toHaveLength(NEEDED.length)
  })

  test('nobody listens', async () => {
    await hub.server.close()
    const error = await failureOf(hub.pull())
    expect(error.code).toBe('hub/unreachable')
    expect(error.message).toMatch(/ECONNREFUSED.*3 times/)
  })

  test('a disk that is too small, before anything is fetched', async () => {
    const siblings = [
      { rfilename: 'config.json', size: 2, blobId: 'e'.repeat(40) },
      { rfilename: 'model.safetensors', size: 2 ** 50, blobId: 'f'.repeat(40) },
    ]
    hub.server.faults.push({ on: /GET \/api/, body: JSON.stringify({ sha: COMMIT, siblings }) })
    const error = await failureOf(hub.pull())
    expect(error).toMatchObject({ code: 'hub/no-space', exitCode: 1 })
    expect(error.message).toMatch(/1125899.9 GB are to be downloaded/)
    expect(hub.contents()).toEqual([])
  })

  test('a cache that is a file', async () => {
    writeFileSync(join(hub.settings.cache, 'models--acme--tiny'), '')
    expect(await failureOf(hub.pull())).toMatchObject({ code: 'file/write' })
  })

  test('offline', async () => {
    expect(
      await failureOf(hub.pull('acme/tiny', { settings: { ...hub.settings, offline: true } })),
    ).toMatchObject({
      code: 'hub/offline',
    })
    expect(hub.server.requests).toEqual([])
  })
})
