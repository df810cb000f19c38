/**
 * @file Datasets in MMEB's format through reader and embedder: the cosines of the reference, from
 * sound folders and from damaged ones.
 */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { wholeFixtures } from '../../../test/golden.ts'
import { dot } from '../../foundation/numeric/linear.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import { type MmebDataset, withoutItems } from '../../inputs/data/mmeb/dataset.ts'
import { openMmeb } from '../../inputs/data/mmeb/folder.ts'
import { Embedder } from './embedder.ts'

const fixture = join(wholeFixtures, 'bench-mmeb')
const there = existsSync(fixture)
const json = (name: string): unknown => (there ? JSON.parse(readFileSync(join(fixture, name), 'utf8')) : null)

const scored = z.object({
  predictions: z.array(z.int()),
  scores: z.array(z.array(z.number())),
  stray: z.record(z.string(), z.object({ predictions: z.array(z.int()) })).optional(),
})
const expected = z
  .object({
    tolerance: z.object({ cosine: z.number() }),
    presets: z.object({ 'vlm2vec-qwen2-vl': z.object({ subsets: z.record(z.string(), scored) }) }),
  })
  .nullable()
  .parse(json('expected.json'))
const damaged = z
  .object({
    cases: z.array(
      z.object({
        name: z.string(),
        dataset: z.string(),
        expect: z.record(z.string(), z.object({ prediction: z.int(), scores: z.array(z.number()) })),
        report: z.array(z.object({ row: z.int().nullable(), kind: z.string() })),
      }),
    ),
  })
  .nullable()
  .parse(json('damaged.json'))

describe.skipIf(!there)('datasets of MMEB', async () => {
  const model = there
    ? await Embedder.load(join(fixture, 'checkpoint'), { preset: 'vlm2vec-qwen2-vl', warn: () => {} })
    : undefined

  /** The dataset without rows that cannot be embedded, and the cosines of the other rows by id. */
  async function scoresOf(dataset: MmebDataset, embedder = model!) {
    const items = [...new Set(dataset.task.test.flatMap(({ query, candidates }) => [query, ...candidates]))]
    const { vectors, skipped } = await embedder.embed(items, { blank: 'embed', badItems: 'skip' })
    const failures = new Map(skipped.map((failure) => [items[failure.index]!.key, failure]))
    const usable = withoutItems(dataset, failures)
    const [, dim = 0] = vectors.dims
    const kept = items.filter(({ key }) => !failures.has(key))
    const rows = new Map<KeyedItem, Float32Array>(
      kept.map((item, i) => [item, Float32Array.from(vectors.data.subarray(i * dim, (i + 1) * dim), Number)]),
    )
    const cosines = usable.task.test.map(({ id, query, candidates }) => ({
      id,
      cosines: candidates.map((candidate) => dot(rows.get(query)!, rows.get(candidate)!)),
    }))
    return { usable, cosines }
  }

  const tolerance = expected?.tolerance.cosine ?? 0
  const check = (cosines: readonly number[], scores: readonly number[], prediction: number) => {
    expect(cosines.length).toBe(scores.length)
    cosines.forEach((cosine, i) => {
      expect(Math.abs(cosine - scores[i]!)).toBeLessThanOrEqual(tolerance)
    })
    expect(cosines.indexOf(Math.max(...cosines))).toBe(prediction)
  }

  test.each([
    ['eval', 'EDIS'],
    ['eval-zip', 'CIRR'],
  ])('%s, %s: the cosines of the reference', async (folder, name) => {
    const opened = await openMmeb(join(fixture, folder))
    const { cosines } = await scoresOf(await opened.read(name))
    const { scores, predictions } = expected!.presets['vlm2vec-qwen2-vl'].subsets[name]!
    expect(cosines.length).toBe(scores.length)
    for (const [row, own] of cosines.entries()) check(own.cosines, scores[row]!, predictions[row]!)
    await opened.close()
  })

  test('a placeholder without its picture that is kept: the predictions of the published reading', async () => {
    const embedder = await Embedder.load(join(fixture, 'checkpoint'), {
      preset: 'vlm2vec-qwen2-vl',
      stray: 'keep',
      warn: () => {},
    })
    const imageToken = embedder.contract.prompt.placeholder
    const opened = await openMmeb(join(fixture, 'eval'))
    const { cosines } = await scoresOf(await opened.read('EDIS', { stray: 'keep', imageToken }), embedder)
    const { predictions } = expected!.presets['vlm2vec-qwen2-vl'].subsets.EDIS!.stray!.keep!
    expect(cosines.map(({ cosines: own }) => own.indexOf(Math.max(...own)))).toEqual(predictions)
    await embedder.close()
    await opened.close()
  })

  /** Faults that only the embedder finds; the reader's own tests have the others. */
  const late = ['picture-huge', 'picture-broken', 'text-empty', 'zip-member']
  const cases = (damaged?.cases ?? []).filter(({ name }) => late.includes(name))
  test.each(cases)('damaged: $name, the rows that can be scored', async (one) => {
    const opened = await openMmeb(join(fixture, 'damaged', one.name))
    const { usable, cosines } = await scoresOf(await opened.read(one.dataset))
    const told = usable.problems.map(({ row, kind }) => `${row} ${kind}`)
    expect(told.sort()).toEqual(one.report.map(({ row, kind }) => `${row} ${kind}`).sort())
    for (const { id, cosines: own } of cosines) check(own, one.expect[id]!.scores, one.expect[id]!.prediction)
    expect(cosines.map(({ id }) => id)).toEqual(Object.keys(one.expect))
    await opened.close()
  })
})
