import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  chromiumPath,
  drawing,
  expectSound,
  inked,
  LOOKS,
  type OpenPage,
  pageTests,
  pointAtSome,
  sectionsOf,
} from '../../../test/report-page.ts'
import { syntheticFactors, syntheticResults, syntheticRun } from '../../../test/synthetic-results.ts'
import type { Results } from './results.ts'
import { scoreTable } from './table.ts'
import { writeReport } from './write.ts'

const TITLE = '</script><img src=x onerror=alert(1)> twins'

describe.skipIf(chromiumPath === undefined)('the report in Chromium', () => {
  const pages = pageTests('page')
  const written = async (results: Results, name: string) =>
    (await writeReport(results, syntheticRun, join(pages.folder, name), { page: pages.built })).html
  let report: Promise<string> | undefined
  async function open(...look: [scheme?: 'light' | 'dark', width?: number]): Promise<OpenPage> {
    report ??= syntheticResults(7, TITLE).then((results) => written(results, 'full'))
    return await pages.open(await report, ...look)
  }

  test.each(LOOKS)(
    '%s, %d px: no complaint, no request, every chart drawn, nothing wider than the page',
    async (scheme, width) => {
      const opened = await open(scheme, width)
      const { page } = opened
      await expectSound(opened, { width, title: TITLE, shot: `${scheme}-${width}` })
      expect(await sectionsOf(page)).toEqual([
        'scores',
        'differences',
        'tuning',
        'alignment',
        'map',
        'failures',
        'models',
      ])
      expect(await page.locator('#alignment .chart svg').count()).toBe(16)
      expect(await page.locator('#map .scatter canvas').count()).toBe(2)
      expect(await inked(page, '#map .scatter canvas')).toBeGreaterThan(0.002)
      await page.close()
    },
  )

  test.each([
    ['light', 1280],
    ['dark', 390],
  ] as const)('%s, %d px: the shipped factor table stands before this run', async (scheme, width) => {
    const results = { ...(await syntheticResults(7, TITLE)), factors: syntheticFactors() }
    const opened = await pages.open(await written(results, `factors-${width}`), scheme, width)
    const { page } = opened
    await expectSound(opened, { width, title: TITLE, shot: `factors-${scheme}-${width}` })
    expect((await sectionsOf(page)).slice(0, 2)).toEqual(['factors', 'scores'])
    expect(await page.locator('nav a').first().textContent()).toBe('Over seeds')
    expect(await page.locator('.finding .sentence').textContent()).toBe(results.factors.sentence)
    expect(await page.locator('.finding .own').textContent()).toBe(results.finding.sentence)
    const section = page.locator('#factors')
    expect(await section.locator('p').first().textContent()).toContain(
      'nobody should take one seed for a finding. This table is over 3 pretrainings of each kind of model, 3 tunings of',
    )
    expect(await section.locator('.command code').textContent()).toBe('bifocal study --plan paper')
    const rows = section.locator('figure tbody tr')
    expect(await rows.count()).toBe(6)
    expect(await rows.nth(0).textContent()).toContain('+0.4−2.6 to +3.4cannot be told')
    expect(await rows.nth(1).textContent()).not.toContain('cannot be told')
    const hash = section.getByText('01c0ffee01c0')
    expect(await hash.isVisible()).toBe(false)
    await section.getByText('Weights behind the table').click()
    expect(await hash.isVisible()).toBe(true)
    await page.close()
  })

  test('results of one untuned model, with no analysis, still make a page', async () => {
    const full = await syntheticResults()
    const id = 'twin-ar'
    const models = full.models.filter((model) => model.id === id)
    const [scores, means] = [
      full.scores.filter(({ model }) => model === id),
      full.means.filter(({ model }) => model === id),
    ]
    const sparse = {
      ...full,
      models,
      scores,
      means,
      differences: [],
      alignment: [],
      measures: [],
      maps: [],
      thumbnails: [],
      failures: [],
      criteria: [],
    }
    const { page, complaints } = await pages.open(await written(sparse, 'sparse'))
    expect(complaints).toEqual([])
    expect(await sectionsOf(page)).toEqual(['scores', 'models'])
    expect(await page.locator('nav a').allTextContents()).toEqual(['Scores', 'Models and tasks'])
    expect(scoreTable(sparse, { color: false })).toMatch(/^hit@1, % +twin-ar\n/)
    await page.close()
  })

  test('pointing at a mark of the map shows its picture and words', async () => {
    const { page } = await open()
    await pointAtSome(page, '#map .scatter canvas')
    const tip = page.locator('#map .tip').first()
    expect(await tip.locator('small').textContent()).toMatch(/^(image|text)$/)
    expect(await tip.textContent()).not.toBe('')
    await page.close()
  })

  test('the maps go by keys and share what is chosen', async () => {
    const { page } = await open()
    const pixels = (place: number) => drawing(page, '#map .scatter canvas', place)
    const card = page.locator('#map .chosen')
    const before = await pixels(1)
    await page.locator('#map .scatter').first().focus()
    await page.keyboard.press('ArrowRight')
    const one = await card.textContent()
    expect(one).toContain('pair-')
    await expect.poll(() => pixels(1)).not.toBe(before)
    await page.keyboard.press('ArrowRight')
    expect(await card.textContent()).not.toBe(one)
    const whole = await pixels(0)
    await page.keyboard.press('+')
    await expect.poll(() => pixels(0)).not.toBe(whole)
    await page.keyboard.press('Escape')
    expect(await card.textContent()).toContain('Nothing is chosen')
    await expect.poll(() => pixels(1)).toBe(before)
    await page.close()
  })

  test('a search leads to an item', async () => {
    const { page } = await open()
    await page.getByRole('searchbox').fill('chess')
    expect(await page.locator('#map .found small').textContent()).toBe('24 found, the first:')
    await page.locator('#map .found button').first().click()
    expect(await page.locator('#map .chosen').textContent()).toContain('chess pawn')
    await page.close()
  })

  test('the metric of the task plot can be switched, and a dot pointed at', async () => {
    const { page } = await open()
    const plot = page.locator('#scores figure').first()
    expect(await plot.locator('.key').textContent()).toContain('blind guess')
    await plot.locator('select').selectOption('mrr')
    await plot.locator('.chart svg').first().waitFor()
    expect(await plot.textContent()).toContain('MRR, %')
    expect(await plot.locator('.key').textContent()).not.toContain('blind guess')
    const dot = plot.locator('.chart svg').first().locator('circle').first()
    await dot.scrollIntoViewIfNeeded()
    const box = await dot.boundingBox()
    await page.mouse.move(box!.x + box!.width / 2, box!.y + box!.height / 2)
    await plot.locator('[aria-label="tip"] text').first().waitFor()
    await page.close()
  })

  test('a press on a head sorts the tasks of each group, means stay', async () => {
    const { page } = await open()
    const table = page.locator('#scores table.scores')
    const rows = () => table.locator('tbody tr th').allTextContents()
    const before = await rows()
    const head = table.locator('thead th').nth(1)
    await head.locator('button').click()
    expect(await head.getAttribute('aria-sort')).toBe('descending')
    const values = await table
      .locator('tbody tr')
      .evaluateAll((all) =>
        all
          .slice(1, 1 + all.slice(1).findIndex((row) => row.classList.contains('mean')))
          .map((row) => Number(row.querySelectorAll('td')[0]?.getAttribute('data-value'))),
      )
    expect(values.length).toBeGreaterThan(2)
    expect(values).toEqual(values.toSorted((a, b) => b - a))
    expect((await rows())[0]).toBe(before[0])
    for (let press = 0; press < 2; press++) await head.locator('button').click()
    expect(await rows()).toEqual(before)
    await page.close()
  })

  test('the numbers can be downloaded', async () => {
    const { page } = await open()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: /CSV/ }).click()
    expect((await download).suggestedFilename()).toBe('scores.csv')
    await page.close()
  })

  test('AR is blue and diffusion orange in every chart', async () => {
    const { page } = await open()
    const strokes = await page
      .locator('#alignment svg text')
      .evaluateAll((texts) =>
        texts.flatMap((text) =>
          /^(AR|Diffusion) twin$/.test(text.textContent ?? '')
            ? [`${text.textContent} ${text.closest('[fill^="var"]')?.getAttribute('fill')}`]
            : [],
        ),
      )
    expect([...new Set(strokes)].sort()).toEqual(['AR twin var(--ar)', 'Diffusion twin var(--diffusion)'])
    await page.close()
  })
})
