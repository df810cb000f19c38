/** @file The operators equal the reference's values and gradients. */

import { expect, test } from 'vitest'
import { goldenDir, hasGolden } from '../../../test/golden.ts'
import { verifyOperators } from './operators.ts'

test.runIf(hasGolden('tune-ops'))('every operator equals the reference, values and gradients', async () => {
  const report = await verifyOperators(goldenDir('tune-ops'))
  expect(report.stages.filter(({ worst }) => worst > 1)).toEqual([])
  expect(report.failure).toBeUndefined()
  expect(report.compared).toBe(report.expected)
})
