/** @file The optimiser alone, on the reference's own gradients: every adapter weight after every step of a tuning. */

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { goldenDir, hasGolden } from '../../test/golden.ts'
import { adapterParameters } from '../checkpoint/adapter.ts'
import { readAdapter } from '../checkpoint/adapter-folder.ts'
import { readJson } from '../checkpoint/file.ts'
import { loadSafetensors } from '../checkpoint/safetensors.ts'
import { toF32 } from '../numeric/float.ts'
import { adamW } from '../training/adamw.ts'
import { openOptimizer } from '../training/optimizer.ts'
import { schedule } from '../training/schedule.ts'

const settings = z.object({
  optimizer: z.object({ lr: z.number(), weight_decay: z.number(), lr_at_step: z.array(z.number()) }),
  without_gradient: z.array(z.string()),
})

test.runIf(hasGolden('tune-lora-llava'))('adapter weights after each AdamW step equal the reference', async () => {
  const fixture = goldenDir('tune-lora-llava')
  const { optimizer: recipe, without_gradient: idle } = await readJson(join(fixture, 'cases.json'), settings)
  const tensors = await loadSafetensors(join(fixture, 'tensors.safetensors'))
  const rate = schedule({ steps: 10, warmup: 2 })
  expect(recipe.lr_at_step.map((_, step) => rate(step) * recipe.lr)).toBeAllClose(recipe.lr_at_step, { atol: 1e-12 })

  const all = adapterParameters(await readAdapter(join(fixture, 'adapter-0')))
  const trained = Object.fromEntries(Object.entries(all).filter(([name]) => !idle.includes(name)))
  const optimizer = await openOptimizer(trained, [{ rule: adamW({ weightDecay: recipe.weight_decay }), learningRate: recipe.lr }])
  let compared = 0
  for (const step of recipe.lr_at_step.keys()) {
    const of = (name: string) => toF32(tensors.get(`step${step}/${name}`)!)
    const gradients = Object.fromEntries(Object.keys(trained).map((name) => [name, of(`grad/${name}`)]))
    await optimizer.update(gradients, { step, factor: rate(step), gradientScale: 1 })
    for (const [name, { data }] of Object.entries(all)) {
      if (!tensors.has(`step${step}/after/${name}`)) continue
      expect(data).toBeAllClose(of(`after/${name}`).data, { atol: 2e-7 })
      compared++
    }
  }
  expect(compared).toBe([...tensors.keys()].filter((name) => /^step\d+\/after\//.test(name)).length)
  expect(compared).toBeGreaterThan(100)
})
