/** @file A small model to serve by the hub of the tests, and an empty cache for it. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { f32 } from '../src/foundation/numeric/tensor.ts'
import { writeSafetensors } from '../src/models/checkpoint/safetensors.ts'
import type { HubSettings } from '../src/models/hub/settings.ts'
import type { HubServer, ServedRepository } from './hub-server.ts'

export const COMMIT = 'a'.repeat(40)
export const OLDER = 'b'.repeat(40)

const text = (words: string) => new TextEncoder().encode(words)

/**
 * Config, tokenizer and two shards of 400 kB: enough that answers come in several pieces. Beside
 * them, what no model needs.
 */
export async function servedModel(): Promise<ServedRepository> {
  const dir = mkdtempSync(join(tmpdir(), 'bifocal-served-'))
  const shard = async (name: string, value: number) => {
    await writeSafetensors(join(dir, 'shard'), {
      [name]: f32([100_000], new Float32Array(100_000).fill(value)),
    })
    return new Uint8Array(readFileSync(join(dir, 'shard')))
  }
  const shards = {
    'model-00001-of-00002.safetensors': await shard('a', 1),
    'model-00002-of-00002.safetensors': await shard('b', 2),
  }
  rmSync(dir, { recursive: true })
  const map = { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' }
  return {
    refs: { main: COMMIT, 'refs/pr/1': COMMIT, v1: OLDER },
    files: {
      'README.md': text('# A model'),
      'config.json': text('{"model_type": "llava"}'),
      'tokenizer.json': text('{"model": {}}'),
      'model.safetensors.index.json': text(JSON.stringify({ weight_map: map })),
      ...shards,
      'pytorch_model.bin': text('pickled'),
      'onnx/model.safetensors': text('other'),
    },
  }
}

/** Settings of a client of `server`: an empty cache, and no long waits. */
export function clientOf(server: HubServer): HubSettings & { clear(): void } {
  const cache = mkdtempSync(join(tmpdir(), 'bifocal-hub-cache-'))
  const clear = () => rmSync(cache, { recursive: true, force: true })
  return {
    endpoint: server.url,
    cache,
    token: undefined,
    offline: false,
    attempts: 3,
    pause: 2,
    silence: 5_000,
    transport: fetch,
    clear,
  }
}
