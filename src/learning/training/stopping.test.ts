/** @file Early stopping against closed cases; whole runs are in the `run` fixtures. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { goldenDir, hasGolden } from '../../../test/golden.ts'
import { judge, type StoppingRule } from './stopping.ts'

const RUN = 'run-matryoshka-llava'
const lower: StoppingRule = { better: 'lower', patience: 2 }
const at = (values: number[], every = 1) => values.map((value, i) => ({ step: (i + 1) * every, value }))

describe('early stopping', () => {
  test('an equal figure is not better', () => {
    const { best, stopped } = judge(at([3, 3, 3, 1]), lower)
    expect([best?.step, stopped?.step]).toEqual([1, 3])
  })

  test('waiting begins anew after each better figure', () => {
    expect(judge(at([3, 4, 2, 4, 1, 4]), lower)).toEqual({ best: { step: 5, value: 1 } })
  })

  test('improvements smaller than the least are measured from the best before, so that they add up', () => {
    const rule = { ...lower, patience: 3, minDelta: 0.5 }
    expect(judge(at([3, 2.7, 2.4]), rule).best?.step).toBe(3)
    expect(judge(at([3, 2.7, 2.6, 2.5]), rule).stopped?.step).toBe(4)
  })

  test('higher may be better', () => {
    expect(judge(at([0.1, 0.3, 0.2, 0.2]), { better: 'higher', patience: 2 })).toEqual({
      best: { step: 2, value: 0.3 },
      stopped: { step: 4, value: 0.2 },
    })
  })

  test('without patience it names the best and never stops', () => {
    const { best, stopped } = judge(at([1, 2, 3, 4, 5]), { better: 'lower' })
    expect([best?.step, stopped]).toEqual([1, undefined])
  })

  test('a figure that is not a number is never the best', () => {
    expect(judge(at([Number.NaN, Number.NaN, 1]), lower)).toEqual({
      best: undefined,
      stopped: { step: 2, value: Number.NaN },
    })
    expect(judge(at([Number.NaN, 2, Number.NaN, 1]), lower).best?.value).toBe(1)
  })
})

test.runIf(hasGolden(RUN))('the series of the reference', () => {
  const series = z.array(
    z.object({
      losses: z.array(z.number()),
      every: z.number(),
      patience: z.number(),
      min_delta: z.number(),
      expect: z.object({ stop_step: z.number().nullable(), best_step: z.number() }),
    }),
  )
  const text = readFileSync(join(goldenDir(RUN), 'cases.json'), 'utf8')
  const parsed = z.object({ early_stopping: z.object({ series }) }).parse(JSON.parse(text))
  for (const { losses, every, patience, min_delta, expect: expected } of parsed.early_stopping.series) {
    const { best, stopped } = judge(at(losses, every), { better: 'lower', patience, minDelta: min_delta })
    expect({ stop_step: stopped?.step ?? null, best_step: best?.step }).toEqual(expected)
  }
})
