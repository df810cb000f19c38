/**
 * @file One embedder: the vectors that a study scores are, to the bit, those that `embed` gives for
 * the same items, readout, adapter mode and threads.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import { loadSafetensors } from '../../models/checkpoint/safetensors.ts'
import { Embedder } from '../../models/embedder/embedder.ts'
import type { Readout } from '../../models/embedder/readout.ts'
import { itemsOf, withShuffledPictures } from '../benchmark/task.ts'
import { settingOf } from './options.ts'
import { runStudy } from './study.ts'
import { studyWorld } from './world.ts'

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-bytes-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const line = z.object({ key: z.string() })
const keysOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((text) => line.parse(JSON.parse(text)).key)

const readouts: Readonly<Record<string, Readout>> = {
  mean: { layer: 'last', norm: 'after', pool: 'mean' },
  last: { layer: 'last', norm: 'after', pool: 'last' },
  'layer 0': { layer: 0, norm: 'before', pool: 'mean' },
  'layer inputs': { layer: 'inputs', norm: 'before', pool: 'mean' },
}

test.each(['diffusion'] as const)(
  '%s: untuned and tuned',
  async (twin) => {
    const folders = await writeRandomTwins(join(dir, twin))
    const page = join(dir, 'page.html')
    writeFileSync(page, '<script>"__BIFOCAL_RESULTS__"</script>')
    const out = join(dir, `out-${twin}`)
    const options = {
      models: [folders[twin]],
      tasks: ['object-group', 'cross-style'],
      limits: { train: 30, test: 8, candidates: 6 },
      pairs: 12,
      steps: 3,
      rank: 4,
      controls: false,
      seed: 3,
      page,
      out,
    }
    await runStudy(options)
    const world = await studyWorld(settingOf(options))
    const shuffled = world.tasks.map((task) => withShuffledPictures(task, options.seed))
    const pairs = world.pairs.flatMap(({ image, text }) => [image, text])
    const all = [
      ...itemsOf(world.tasks, 'dev'),
      ...itemsOf(world.tasks, 'test'),
      ...itemsOf(shuffled, 'test'),
    ]
    const itemOf = new Map<string, KeyedItem>([...all, ...pairs].map((item) => [item.key, item]))

    const [name] = readdirSync(join(out, 'models'))
    const models = { untuned: folders[twin], tuned: join(out, 'models', name!) }
    const found = new Set<string>()
    let compared = 0
    const vectors = join(out, 'work', 'vectors')
    for (const folder of readdirSync(vectors)) {
      for (const chunk of readdirSync(join(vectors, folder)).filter((file) => file.endsWith('.jsonl'))) {
        const stored = await loadSafetensors(join(vectors, folder, chunk.replace(/jsonl$/, 'safetensors')))
        if (stored.has('pixels')) continue
        const items = keysOf(join(vectors, folder, chunk)).map((key) => itemOf.get(key)!)
        for (const [readout, tensor] of stored) {
          const wanted = readouts[readout]
          if (wanted === undefined) continue
          const equal: string[] = []
          for (const [state, path] of Object.entries(models)) {
            const embedder = await Embedder.load(path, { threads: 1, readout: wanted })
            const made = await embedder.embed(items)
            await embedder.close()
            if (Buffer.from(made.vectors.data.buffer).equals(Buffer.from(tensor.data.slice().buffer)))
              equal.push(state)
          }
          // Inputs of the decoder are the same before and after tuning.
          expect(equal, `${folder} ${readout}`).toHaveLength(readout === 'layer inputs' ? 2 : 1)
          found.add(`${readout} ${equal.join(' ')}`)
          compared += items.length
        }
      }
    }
    expect([...found].sort()).toEqual([
      'last tuned',
      'last untuned',
      'layer 0 untuned',
      'layer inputs untuned tuned',
      'mean tuned',
      'mean untuned',
    ])
    expect(compared).toBeGreaterThan(100)
  },
  600_000,
)
