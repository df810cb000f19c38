/** @file A client with an empty cache, and the hub of the tests that it pulls small models from. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BifocalError, InterruptedError } from '../src/foundation/numeric/errors.ts'
import { pullModel } from '../src/models/hub/pull.ts'
import { clientOf, servedModel } from './hub-models.ts'
import { type HubServer, sha256, startHubServer } from './hub-server.ts'

/** Files of the served model that a pull takes. */
export const NEEDED = [
  'config.json',
  'model-00001-of-00002.safetensors',
  'model-00002-of-00002.safetensors',
  'model.safetensors.index.json',
  'tokenizer.json',
]

export const SHARD = 'model-00001-of-00002.safetensors'

export interface HubClient {
  readonly server: HubServer
  readonly settings: ReturnType<typeof clientOf>
  pull(name?: string, options?: Parameters<typeof pullModel>[1]): ReturnType<typeof pullModel>
  /** The bytes of a file on the server. */
  bytesOf(file: string): Uint8Array
  /** Whether a file has those bytes. An element-wise comparison would take minutes. */
  isServed(folder: string, file: string): boolean
  /** The folder of blobs in the cache. */
  blobs(): string
  /** The unfinished file of the first shard. */
  partial(): string
  /** Requests for the content of files, without the redirects before. */
  contents(): HubServer['requests']
  close(): Promise<void>
}

/** Starts a hub with a model that is open, gated, closed to the token's account, and private. */
export async function startHubClient(): Promise<HubClient> {
  const model = await servedModel()
  const server = await startHubServer({
    'acme/tiny': model,
    'acme/gated': { ...model, gated: true },
    'acme/closed': { ...model, gated: 'closed' },
    'acme/private': { ...model, private: true },
  })
  const settings = clientOf(server)
  const bytesOf = (file: string) => server.repositories['acme/tiny']!.files[file]!
  const blobs = () => join(settings.cache, 'models--acme--tiny/blobs')
  return {
    server,
    settings,
    pull: (name = 'acme/tiny', options = {}) => pullModel(name, { settings, ...options }),
    bytesOf,
    isServed: (folder, file) => readFileSync(join(folder, file)).equals(bytesOf(file)),
    blobs,
    partial: () => join(blobs(), `${sha256(bytesOf(SHARD))}.incomplete`),
    contents: () =>
      server.requests.filter(({ line }) => /^GET \/(cdn|acme)/.test(line) && !/safetensors$/.test(line)),
    async close() {
      await server.close()
      settings.clear()
    },
  }
}

/** The error that a run ends in. */
export async function failureOf(run: Promise<unknown>): Promise<BifocalError> {
  const error = await run.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  if (error instanceof BifocalError) return error
  throw error ?? new InterruptedError('nothing')
}
