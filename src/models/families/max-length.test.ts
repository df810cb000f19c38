/** @file A caller may give items fewer positions than the model has. */

import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { goldenDir, hasGolden } from '../../../test/golden.ts'
import { shipped } from '../../foundation/files/shipped.ts'
import { openModel } from './open.ts'
import { modelOf } from './registry.ts'

const WORDS = 'two people walking a dog along the beach at sunset, and then some more of them, slowly'

async function processorOf(dir: string) {
  const { config } = await openModel(dir)
  const model = modelOf(config)
  if (model.kind !== 'vision-language') throw new Error(`${dir} is a dual encoder`)
  return await model.processor(dir)
}

const families = ['llava', 'qwen2-vl', 'mmada', 'smolvlm', 'llava-onevision', 'lavida-llada']
const folders = [
  ...[shipped('twin-ar'), shipped('twin-diffusion')],
  ...families.filter(hasGolden).map((family) => join(goldenDir(family), 'checkpoint')),
].map((dir) => [dir.split('/').slice(-2).join('/'), dir] as const)

describe.each(folders)('%s', (_, dir) => {
  test('takes no more positions than the caller allows: refused, or cut', async () => {
    const processor = await processorOf(dir)
    const whole = processor.prepare(WORDS, []).inputIds
    expect(whole.length).toBeGreaterThan(7)
    expect(processor.prepare(WORDS, [], { maxLength: whole.length }).inputIds).toEqual(whole)
    expect(() => processor.prepare(WORDS, [], { maxLength: 7 })).toThrow(/the most is 7|may, which are 7/)
    const cut = processor.prepare(WORDS, [], { maxLength: 7, truncation: 'reference' }).inputIds
    expect(cut).toHaveLength(7)
  })
})
