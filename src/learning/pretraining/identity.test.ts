import { expect, test } from 'vitest'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { differences, type Identity } from '../training/identity.ts'
import { identityOf } from './identity.ts'

const settings = { steps: 100, rate: 0.01 }
const feeds = (step: number) => ({ x: f32([1], [step]) })
const known = await identityOf('twin', settings, feeds)

test('equal recipes have one name', async () => {
  expect(await identityOf('twin', { ...settings }, async (step) => feeds(step))).toEqual(known)
})

test.each<[string, Promise<Identity>]>([
  ['another model', identityOf('tower', settings, feeds)],
  ['another rate', identityOf('twin', { ...settings, rate: 0.02 }, feeds)],
  ['another number of steps', identityOf('twin', { ...settings, steps: 101 }, feeds)],
  ['another first batch', identityOf('twin', settings, (step) => feeds(step === 0 ? 0.5 : step))],
  ['other late batches', identityOf('twin', settings, (step) => feeds(step > 90 ? -step : step))],
])('%s is another run', async (_, other) => {
  expect(differences(known, await other)).not.toEqual([])
})
