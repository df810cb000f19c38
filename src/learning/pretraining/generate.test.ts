import { beforeAll, describe, expect, test } from 'vitest'
import { wordTokenizer } from '../../../test/word-tokenizer.ts'
import { shippedData } from '../../foundation/files/shipped.ts'
import { loadSheets } from '../../inputs/scenes/sheets.ts'
import { loadWorld } from '../../inputs/scenes/world.ts'
import { initialWeights } from '../../models/families/initial.ts'
import { modelParameters } from '../../models/families/parameters.ts'
import { twinGates } from './gates.ts'
import { openWriter } from './generate.ts'
import type { TowerWorld } from './tower-batch.ts'
import { samplesOf, type TwinSamples, withShuffledPictures } from './twin-samples.ts'
import { twinModel } from './twins/twin.ts'
import { twinAr } from './twins/twin-ar.ts'
import { twinArDiscrete } from './twins/twin-ar-discrete.ts'
import { twinDiffusion } from './twins/twin-diffusion.ts'
import { twinDiscrete } from './twins/twin-discrete.ts'

const DATA = shippedData()
const LENGTH = 3

let at: TowerWorld

beforeAll(async () => {
  const world = await loadWorld(DATA, 'small')
  at = { world, sheets: await loadSheets(DATA, world.training), tokenizer: wordTokenizer() }
  // The vocabulary's first word: no line break, which an answer would lose at its ends.
  at.tokenizer.encode('first')
}, 120_000)

/** One with a picture, one without, prompts of different lengths. */
function mixed(): TwinSamples {
  const sets = (['qa', 'text', 'label'] as const).map((kind) =>
    samplesOf(at.world, { kind, seed: 1, from: 0, count: 1, use: 'test' }),
  )
  return {
    samples: sets.flatMap(({ samples }) => samples),
    pictures: sets.flatMap(({ pictures }) => pictures),
  }
}

describe.each([twinAr, twinDiffusion, twinArDiscrete, twinDiscrete])('$name', (twin) => {
  // Large initial values, so that different states give different tokens.
  const parameters = initialWeights(modelParameters(twinModel(twin)), { seed: 1, layers: 4, std: 0.2 })

  test('an interruption ends answers and gates', async () => {
    const options = { threads: 1, thread: 'caller', signal: AbortSignal.abort() } as const
    const writer = await openWriter(twin, parameters, options)
    await expect(writer.answers(at, mixed(), LENGTH)).rejects.toMatchObject({ code: 'interrupted' })
    await writer.close()
    await expect(twinGates(twin, at, parameters, { seed: 1, ...options })).rejects.toMatchObject({
      code: 'interrupted',
    })
  })

  test('an answer depends on its own row only, and on its picture', async () => {
    const writer = await openWriter(twin, parameters, { threads: 1, thread: 'caller' })
    try {
      const { samples, pictures } = mixed()
      const together = await writer.answers(at, { samples, pictures }, LENGTH)
      const alone: string[] = []
      for (const [i, sample] of samples.entries())
        alone.push(...(await writer.answers(at, { samples: [sample], pictures: [pictures[i]!] }, LENGTH)))
      expect(together).toEqual(alone)
      for (const answer of together) expect(answer.split(' ').length).toBeLessThanOrEqual(LENGTH)
      const labels = samplesOf(at.world, { kind: 'label', seed: 1, from: 0, count: 4, use: 'test' })
      expect(await writer.answers(at, withShuffledPictures(labels), LENGTH)).not.toEqual(
        await writer.answers(at, labels, LENGTH),
      )
    } finally {
      await writer.close()
    }
  })

  test('of equal logits the first wins, and an answer without an end takes all its room', async () => {
    const norm = Object.keys(parameters).find((parameter) =>
      /(language_model\.norm|transformer\.ln_f)\.weight$/.test(parameter),
    )!
    const zeros = { ...parameters[norm]!, data: new Float32Array(parameters[norm]!.data.length) }
    const writer = await openWriter(twin, { ...parameters, [norm]: zeros }, { threads: 1, thread: 'caller' })
    try {
      const first = at.tokenizer.decode([0])
      expect(await writer.answers(at, mixed(), LENGTH)).toEqual(
        mixed().samples.map(() => [first, first, first].join(' ')),
      )
    } finally {
      await writer.close()
    }
  })
})
