import { writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { chromiumPath, expectSound, LOOKS, pageTests, sectionsOf } from '../../../test/report-page.ts'
import { syntheticRecord } from '../../../test/synthetic-record.ts'
import type { TuningRecord } from '../../learning/tuning/job/record-form.ts'
import { writeTuningReport } from './write.ts'

const NAME = '</script><img src=x onerror=alert(1)> my-model'

describe('the page of a tuning is written', () => {
  test('into the folder of the record; nothing of it closes the script that it stands in', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bifocal-record-'))
    const page = join(folder, 'page.html')
    writeFileSync(page, '<script id="tuning">"__BIFOCAL_TUNING__"</script>"__BIFOCAL_RESULTS__"')
    const record = await syntheticRecord(5, NAME)
    writeFileSync(join(folder, 'tuning.json'), JSON.stringify(record))
    const html = await readFile(await writeTuningReport(folder, { page }), 'utf8')
    expect(html.match(/<\/script>/g)).toHaveLength(1)
    expect(html.endsWith('</script>null')).toBe(true)
    const json = html.slice(html.indexOf('>') + 1, html.indexOf('</script>'))
    expect(JSON.parse(json)).toEqual(record)
  })

  test('a folder without a record is refused', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bifocal-record-'))
    await expect(writeTuningReport(folder)).rejects.toMatchObject({ code: 'file/missing' })
  })
})

describe.skipIf(chromiumPath === undefined)('the page of a tuning in Chromium', () => {
  const pages = pageTests('record')
  let written = 0
  async function open(record: TuningRecord, ...look: [scheme?: 'light' | 'dark', width?: number]) {
    const dir = join(pages.folder, `run-${written++}`)
    await mkdir(dir)
    writeFileSync(join(dir, 'tuning.json'), JSON.stringify(record))
    return await pages.open(await writeTuningReport(dir, { page: pages.built }), ...look)
  }

  test.each(LOOKS)(
    '%s, %d px: no complaint, no request, every chart drawn, nothing wider than the page',
    async (scheme, width) => {
      const opened = await open(await syntheticRecord(600, NAME), scheme, width)
      const { page } = opened
      await expectSound(opened, { width, title: NAME, shot: `tuning-${scheme}-${width}` })
      expect(await sectionsOf(page)).toEqual(['curves', 'worst', 'data', 'trained', 'settings'])
      expect(await page.locator('#curves .chart svg').count()).toBe(6)
      await page.close()
    },
  )

  test('says in a sentence how the dev score went and which values were written', async () => {
    const { page } = await open(await syntheticRecord())
    expect(await page.locator('.sentence').textContent()).toMatch(
      /^hit@1 on dev pairs went from 8\.0 % before tuning to \d+\.\d % \(\+\d+\.\d points\)/,
    )
    expect(await page.locator('.quantity').textContent()).toMatch(
      /after update 500, the best.*ended early, after update 600/,
    )
    await page.close()
  })

  test('the worst pairs come with their pictures, more of them after a click', async () => {
    const { page } = await open(await syntheticRecord())
    const shown = page.locator('#worst > .columns .failure')
    expect(await shown.count()).toBe(8)
    expect(await shown.first().locator('img').count()).toBe(1)
    expect(await shown.nth(1).locator('img').count()).toBe(2)
    expect(await shown.nth(1).textContent()).toContain('own target at place 109.5')
    expect(await page.locator('#worst details .failure').last().isVisible()).toBe(false)
    await page.locator('#worst summary').click()
    expect(await page.locator('#worst details .failure').last().isVisible()).toBe(true)
    await page.close()
  })

  test('every setting stands under its key', async () => {
    const { page } = await open(await syntheticRecord())
    const rows = await page
      .locator('#settings tbody tr')
      .evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)))
    expect(rows).toContainEqual(['data[1].path', 'more.csv'])
    expect(rows).toContainEqual(['loss.temperature.share', '0.6'])
    expect(rows).toContainEqual(['optimizer.betas', '0.9, 0.999'])
    await page.close()
  })

  test('pointing at a curve tells its value', async () => {
    const { page } = await open(await syntheticRecord())
    const chart = page.locator('#curves .chart svg').nth(1)
    await chart.scrollIntoViewIfNeeded()
    const box = await chart.boundingBox()
    await page.mouse.move(box!.x + box!.width / 2, box!.y + box!.height / 2)
    await chart.locator('[aria-label="tip"] text').first().waitFor()
    expect(await chart.locator('[aria-label="tip"]').textContent()).toMatch(/update \d+/)
    await page.close()
  })

  test('a long tuning makes a small page, and keeps the peaks', async () => {
    const { page } = await open(await syntheticRecord(20_000))
    const points = await page
      .locator('#curves .chart svg path')
      .evaluateAll((paths) => paths.map((path) => (path.getAttribute('d') ?? '').split(/[ML]/).length))
    expect(Math.max(...points)).toBeLessThan(450)
    const norms = page.locator('#curves figure', { hasText: 'Gradient norm' }).locator('.chart svg')
    expect(await norms.locator('[aria-label="y-axis tick label"] text').allTextContents()).toContain('5')
    await page.close()
  })

  test('a tuning without dev pairs, pictures and skipped pairs still makes a page', async () => {
    const full = await syntheticRecord(40)
    const { page, complaints } = await open({
      ...full,
      evaluations: [],
      worst: [],
      thumbnails: [],
      skipped: { pairs: 0, first: [] },
      best: { update: 40, metric: 'last', value: 0 },
      ended: 'all updates',
    })
    expect(complaints).toEqual([])
    expect(await page.locator('nav a').allTextContents()).toEqual([
      'Curves',
      'Data',
      'Trained parameters',
      'Settings',
    ])
    expect(await page.locator('.sentence').textContent()).toMatch(/^The loss went from 3\.\d+ to 0\.\d+/)
    await page.close()
  })
})
