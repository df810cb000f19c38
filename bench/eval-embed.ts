/**
 * @file Embedding as `eval` does it against `embed`: items of the full plan's tasks through one
 * twin, in alternation. `eval` stores vectors in chunks, `embed` in a journal and then in a file;
 * either side opens the model itself. The vectors must be equal.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeyedItem } from '../src/inputs/data/item.ts'
import type { ItemSource } from '../src/inputs/data/source.ts'
import { suitesOf } from '../src/measuring/benchmark/suites/suites.ts'
import { embedFile } from '../src/models/embedder/embed-file.ts'
import { Embedder } from '../src/models/embedder/embedder.ts'
import { vectorFolder } from '../src/models/embedder/vectors/all.ts'
import { makerOf } from '../src/models/embedder/vectors/maker.ts'
import { storeAll } from '../src/models/embedder/vectors/storing.ts'
import { numbers } from './flags.ts'
import { median, report, type Timing, timed } from './rounds.ts'

const { items, threads, rounds } = numbers({
  /** Of the tasks' items, evenly spread. */
  items: 2048,
  threads: availableParallelism(),
  rounds: 7,
})
const MODEL = 'bifocal:twin-ar'
const ALLOWED = 1.05
/** Of an element of a unit vector: the two sides batch in different ways. */
const TOLERANCE = 1e-5

const dir = await mkdtemp(join(tmpdir(), 'bifocal-bench-'))
const opened = await Promise.all((await suitesOf(['embedded:full'])).map((task) => task.open()))
try {
  const rows = opened.flatMap(({ task }) => task.test)
  const all = rows.flatMap(({ query, candidates }) => [query, ...candidates])
  const distinct = [...new Map(all.map((item) => [item.key, item])).values()]
  const chosen: readonly KeyedItem[] = distinct.filter(
    (_, i) => Math.floor(((i + 1) * items) / distinct.length) > Math.floor((i * items) / distinct.length),
  )
  const source: ItemSource = {
    name: 'the tasks',
    total: chosen.length,
    lines: () => chosen.map((item, i) => ({ line: i + 1, item })),
  }

  const withModel = async <T>(use: (embedder: Embedder) => Promise<T>): Promise<T> => {
    const embedder = await Embedder.load(MODEL, { threads })
    try {
      return await use(embedder)
    } finally {
      await embedder.close()
    }
  }
  /** Both start from nothing: a round's files are removed when its time is taken. */
  const throughEval = async () => {
    const store = join(dir, 'store')
    const timing = await timed(() =>
      withModel(async (embedder) => {
        const maker = await makerOf(embedder, { id: MODEL })
        const folder = await vectorFolder(store, maker)
        await storeAll(folder, maker, chosen)
        return folder
      }),
    )
    const result = await timing.result.all(chosen.map(({ key }) => key))
    await rm(store, { recursive: true })
    return { ...timing, result }
  }
  const throughEmbed = async () => {
    const out = join(dir, 'vectors.safetensors')
    const timing = await timed(() =>
      withModel(async (embedder) => await embedFile(embedder, source, { out, blank: 'embed' })),
    )
    await rm(out)
    return { ...timing, result: timing.result.rows.vectors }
  }

  // The first run of both warms up: it is not counted, and is compared.
  const [stored, file] = [(await throughEval()).result, (await throughEmbed()).result]
  const width = file.dims[1]!
  let worst = stored.size === chosen.length ? 0 : Number.NaN
  for (const [row, { key }] of chosen.entries())
    for (const [i, value] of (stored.get(key)?.[0] ?? []).entries())
      worst = Math.max(worst, Math.abs(value - file.data[row * width + i]!))
  console.log(
    `${chosen.length} of ${distinct.length} items; elements differ by ${worst.toExponential(1)} at most`,
  )
  if (!(worst <= TOLERANCE)) process.exitCode = 4

  const evals: Timing[] = []
  const embeds: Timing[] = []
  for (let round = 0; round < rounds; round++) {
    evals.push(await throughEval())
    embeds.push(await throughEmbed())
  }
  report(`embedding as eval does it, ${threads} threads`, evals, { name: 'embed', runs: embeds })
  const costs = evals.map((own, i) => ({
    wall: own.wall / embeds[i]!.wall,
    busy: own.busy / embeds[i]!.busy,
  }))
  const cost = median(costs, 'wall')
  console.log(
    `  eval / embed: wall ${cost.toFixed(3)}, busy ${median(costs, 'busy').toFixed(3)}, median (allowed ${ALLOWED} of wall)`,
  )
  if (!(cost <= ALLOWED)) process.exitCode = 4
} finally {
  await Promise.all(opened.map((task) => task.close()))
  await rm(dir, { recursive: true })
}
