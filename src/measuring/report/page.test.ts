import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { builtPage, chromiumPath, launched, openPage } from '../../../test/report-page.ts'
import { syntheticResults, syntheticRun } from '../../../test/synthetic-results.ts'
import { scoreTable } from './table.ts'
import { writeReport } from './write.ts'

const TITLE = '</script><img src=x onerror=alert(1)> twins'

describe.skipIf(chromiumPath === undefined)('the report in Chromium', () => {
  let browser: Browser
  let folder: string
  let report: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bifocal-page-'))
    await builtPage(folder)
    report = (
      await writeReport(await syntheticResults(7, TITLE), syntheticRun, folder, {
        page: join(folder, 'built', 'page.html'),
      })
    ).html
    browser = await launched()
  }, 120_000)
  afterAll(() => browser?.close())

  const open = (colorScheme: 'light' | 'dark', width: number, path = report) =>
    openPage(browser, path, colorScheme, width)

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const)(
    '%s, %d px: no complaint, no request, every chart drawn, nothing wider than the page',
    async (scheme, width) => {
      const { page, complaints, requests } = await open(scheme, width)
      await page.waitForFunction(
        `[...document.querySelectorAll('.chart')].every((chart) => chart.querySelector('svg') !== null)`,
      )
      expect(complaints).toEqual([])
      expect(requests.filter((url) => !url.startsWith('file:') && !url.startsWith('data:'))).toEqual([])
      expect(await page.locator('h1').textContent()).toBe(TITLE)
      for (const id of ['scores', 'differences', 'tuning', 'alignment', 'map', 'failures', 'models'])
        expect(await page.locator(`section#${id}`).count()).toBe(1)
      expect(await page.locator('#alignment .chart svg').count()).toBe(16)
      expect(await page.locator('#map .chart svg circle').count()).toBe(4 * 240)
      expect(
        await page
          .locator('svg text')
          .filter({ hasText: /NaN|undefined/ })
          .count(),
      ).toBe(0)
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      await page.screenshot({
        path: join(process.env.BIFOCAL_SCREENSHOTS ?? folder, `${scheme}-${width}.png`),
        fullPage: true,
      })
      await page.close()
    },
  )

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
    const { html } = await writeReport(sparse, syntheticRun, join(folder, 'sparse'), {
      page: join(folder, 'built', 'page.html'),
    })
    const { page, complaints } = await open('light', 1280, html)
    expect(complaints).toEqual([])
    expect(
      await page.locator('section').evaluateAll((sections) => sections.map((section) => section.id)),
    ).toEqual(['scores', 'models'])
    expect(await page.locator('nav a').allTextContents()).toEqual(['Scores', 'Models and tasks'])
    expect(scoreTable(sparse, { color: false })).toMatch(/^hit@1, % +twin-ar\n/)
    await page.close()
  })

  test('pointing at a mark of the map shows its label and a line to its partner', async () => {
    const { page } = await open('light', 1280)
    const mark = page.locator('#map .map-box').first().locator('svg circle').nth(5)
    await mark.scrollIntoViewIfNeeded()
    const box = await mark.boundingBox()
    await page.mouse.move(box!.x + box!.width / 2, box!.y + box!.height / 2)
    await page.locator('#map .tip:not([hidden]) img').first().waitFor()
    expect(await page.locator('#map path.partner[d]').count()).toBe(1)
    await page.close()
  })

  test('the map goes by arrow keys and Enter, and keeps what was touched', async () => {
    const { page } = await open('light', 1280)
    const chart = page.locator('#map .map-box .chart').first()
    const tip = page.locator('#map .map-box').first().locator('.tip')
    await chart.focus()
    await page.keyboard.press('ArrowRight')
    const line = page.locator('#map path.partner').first()
    const first = await line.getAttribute('d')
    await page.keyboard.press('ArrowRight')
    expect(await line.getAttribute('d')).not.toBe(first)
    const kind = await tip.locator('small').textContent()
    await page.keyboard.press('Enter')
    expect(await tip.locator('small').textContent()).toBe(kind === 'image' ? 'text' : 'image')
    await page.keyboard.press('Escape')
    expect(await tip.isHidden()).toBe(true)
    const touch = { pointerType: 'touch', bubbles: true }
    const box = await chart.locator('circle').nth(7).boundingBox()
    const at = { clientX: box!.x + 2, clientY: box!.y + 2, ...touch }
    await chart.locator('svg').dispatchEvent('pointerdown', at)
    await chart.locator('svg').dispatchEvent('pointerleave', at)
    expect(await tip.isVisible()).toBe(true)
    await page.close()
  })

  test('the metric of the task plot can be switched, and a dot pointed at', async () => {
    const { page } = await open('light', 1280)
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
    const { page } = await open('light', 1280)
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
    const { page } = await open('light', 1280)
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: /CSV/ }).click()
    expect((await download).suggestedFilename()).toBe('scores.csv')
    await page.close()
  })

  test('AR is blue and diffusion orange in every chart', async () => {
    const { page } = await open('light', 1280)
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
