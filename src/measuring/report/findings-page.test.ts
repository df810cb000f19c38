import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { writeMadeRun } from '../../../test/made-run.ts'
import { chromiumPath, expectSound, pageTests, sectionsOf } from '../../../test/report-page.ts'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { serializeAnalysis } from '../analysis/analysis.ts'
import { analyzeVectors } from '../analysis/vectors.ts'
import { compareRuns } from '../benchmark/comparison/compare-runs.ts'
import { writeComparison } from '../benchmark/comparison/write.ts'
import { report } from './folder.ts'

describe.skipIf(chromiumPath === undefined)('the pages of a comparison and of an analysis', () => {
  const pages = pageTests('findings')

  test.each([
    ['light', 1280],
    ['dark', 390],
  ] as const)('a comparison, %s, %d px: verdict, differences, numbers and flips', async (scheme, width) => {
    const out = join(pages.folder, `comparison-${width}`)
    await writeMadeRun(join(out, 'run'), { rows: 40 })
    const comparison = await compareRuns([join(out, 'run')], { resamples: 200 })
    await writeComparison(comparison, out)
    const opened = await pages.open(await report([out], { page: pages.built }), scheme, width)
    const { page } = opened
    const title = 'The good model against The poor model'
    await expectSound(opened, { width, title, shot: `comparison-${scheme}-${width}` })
    expect(await sectionsOf(page)).toEqual(['pair-1', 'flips-1', 'models'])
    expect(await page.locator('.finding .sentence').textContent()).toBe(comparison.pairs[0]!.verdict)
    const lost = comparison.pairs[0]!.flips.reduce((sum, { lostCount }) => sum + lostCount, 0)
    expect(await page.locator('#flips-1 h3').nth(1).textContent()).toBe(`Lost by The poor model: ${lost}`)
    expect(await page.locator('#flips-1 .failure img').count()).toBeGreaterThan(0)
    await page.close()
  })

  test.each([
    ['dark', 1280],
    ['light', 390],
  ] as const)('an analysis, %s, %d px: measures, remedies, the table of measures', async (scheme, width) => {
    const random = stream('analysis page')
    const shared = fillNormal(new Float32Array(80 * 12), 1, random)
    const noisy = (shift: number) =>
      f32(
        [80, 12],
        fillNormal(new Float32Array(80 * 12), 0.7, random).map((value, i) => value + shared[i]! + shift),
      )
    const analysis = await analyzeVectors({ images: noisy(0.5), texts: noisy(0), seed: 7 })
    const out = join(pages.folder, `analysis-${width}`)
    await mkdir(out)
    await writeFile(join(out, 'mine.json'), serializeAnalysis(analysis))
    const opened = await pages.open(
      await report([join(out, 'mine.json')], { page: pages.built }),
      scheme,
      width,
    )
    const { page } = opened
    const [subject] = analysis.subjects
    await expectSound(opened, { width, title: subject!.label, shot: `analysis-${scheme}-${width}` })
    expect(await sectionsOf(page)).toEqual(['alignment', 'remedies-1', 'about'])
    expect(await page.locator('#alignment .chart').count()).toBe(subject!.figures.length)
    expect(await page.locator('#remedies-1 tbody tr').count()).toBe(analysis.remedies[0]!.rows.length)
    await page.close()
  })
})
