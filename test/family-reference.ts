/** @file Tests of every family with a fixture: equal to the reference, and mistakes that fail. */

import { expect, test } from 'vitest'
import { verifyGolden } from '../src/measuring/verify/golden.ts'
import { type Edit, fixtureCopies, keepCases } from './broken-fixture.ts'
import { goldenDir } from './golden.ts'

/** The largest share of a tolerance that a sound family takes. */
const SHARE = 0.5

/**
 * Every expected tensor of the fixture equals the reference, these stages among them.
 * @param apart stages that may take more of their tolerance than half
 */
export async function expectReference(
  fixture: string,
  stages: readonly string[],
  apart: readonly string[] = [],
): Promise<void> {
  const report = await verifyGolden(goldenDir(fixture))
  expect(report.failure).toBeUndefined()
  expect(report.compared).toBe(report.expected)
  expect(report.stages.map(({ stage }) => stage)).toEqual(expect.arrayContaining([...stages]))
  const strict = report.stages.filter(({ stage }) => !apart.includes(stage))
  expect(Math.max(...strict.map(({ worst }) => worst))).toBeLessThan(SHARE)
}

/** A mistake, the case that shows it, the stage at which it has to fail, and how it is made. */
export type Mistake = readonly [mistake: string, at: string, stage: string, edit: Edit]

/** One test for each mistake. @param before made in every copy, before the mistake */
export function testMistakes(fixture: string, mistakes: readonly Mistake[], before?: Edit): void {
  const broken = fixtureCopies()
  test.each(mistakes)('%s (%s) fails at %s', async (_, at, stage, edit) => {
    const dir = broken(fixture)
    keepCases(dir, at)
    await before?.(dir)
    await edit(dir)
    expect((await verifyGolden(dir)).failure?.stage).toBe(stage)
  })
}
