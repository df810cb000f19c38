import { expect, test } from 'vitest'
import { goldenDir, hasGolden } from '../../../test/golden.ts'
import { verifyModel } from './model.ts'

const fixtures = ['llava', 'siglip', 'siglip2'].filter((name) => hasGolden(name))

test.each(fixtures)('%s equals the reference at every stage', async (name) => {
  const report = await verifyModel(goldenDir(name))
  expect(report.failure).toBeUndefined()
  expect(report.compared).toBe(report.expected)
  expect(report.expected).toBeGreaterThan(30)
})
