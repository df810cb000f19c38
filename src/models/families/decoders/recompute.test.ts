/**
 * @file A decoder whose layers are computed anew in the backward pass: less memory, same results.
 */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type Bundle, bundle } from '../../../../test/bundle.ts'

let built: Bundle
beforeAll(async () => {
  built = await bundle({ recompute: 'test/recompute-program.ts' })
})
afterAll(() => built.remove())

const result = z.object({ loss: z.number(), gradients: z.array(z.number()), grown: z.number() })

/** Each in a process of its own: the peak of memory is a process's. */
async function step(mode: 'recompute' | 'keep') {
  const { stdout } = await promisify(execFile)(process.execPath, [built.file('recompute'), mode])
  return result.parse(JSON.parse(stdout))
}

test.skipIf(process.platform !== 'linux')(
  'a step gives the same gradients from a third of the memory',
  { timeout: 120_000 },
  async () => {
    const [kept, anew] = [await step('keep'), await step('recompute')]
    expect(anew.loss).toBeCloseTo(kept.loss, 5)
    expect(anew.gradients).toBeAllClose(kept.gradients, { rtol: 1e-4, atol: 1e-6 })
    expect(anew.grown).toBeLessThan(kept.grown / 3)
  },
)
