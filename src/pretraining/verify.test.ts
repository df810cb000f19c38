import { expect, test } from 'vitest'
import { goldenDir, hasGolden } from '../../test/golden.ts'
import { verifyMaskedDiffusion } from './verify.ts'

test.each(['lavida-llada', 'lavida-dream'])('%s: masks, losses and gradients equal the reference', async (name) => {
  if (!hasGolden(name)) return
  const report = await verifyMaskedDiffusion(goldenDir(name))
  expect(report.failure).toBeUndefined()
  expect(report.compared).toBe(report.expected)
  expect(report.expected).toBeGreaterThan(10)
})
