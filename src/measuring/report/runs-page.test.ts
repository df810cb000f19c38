import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { largeExplorer } from '../../../test/large-explorer.ts'
import { writeMadeRun } from '../../../test/made-run.ts'
import {
  chromiumPath,
  drawing,
  expectSound,
  LOOKS,
  type OpenPage,
  pageTests,
  sectionsOf,
} from '../../../test/report-page.ts'
import { openRun } from '../benchmark/run/eval-run.ts'
import { runPageOf } from './runs/page.ts'
import { splicePage, writeRunReport } from './write.ts'

describe.skipIf(chromiumPath === undefined)('the page of a run in Chromium', () => {
  const pages = pageTests('runs')
  let made: Promise<string> | undefined
  const folder = () => join(pages.folder, 'run')
  async function written(): Promise<string> {
    await writeMadeRun(folder(), { rows: 60 })
    return await writeRunReport([await openRun(folder())], folder(), { page: pages.built })
  }
  async function report(): Promise<string> {
    made ??= written()
    return await made
  }
  async function open(...look: [scheme?: 'light' | 'dark', width?: number]): Promise<OpenPage> {
    return await pages.open(await report(), ...look)
  }
  const card = (page: Page) => page.locator('#map .chosen')

  test.each(LOOKS)(
    '%s, %d px: no complaint, no request, nothing wider than the page',
    async (scheme, width) => {
      const opened = await open(scheme, width)
      const { page } = opened
      await page.locator('#flips').getByRole('button', { name: 'show on the map' }).first().click()
      const title = 'The good model and The poor model'
      await expectSound(opened, { width, title, shot: `run-${scheme}-${width}` })
      expect(await sectionsOf(page)).toEqual(['scores', 'differences', 'flips', 'map', 'models'])
      expect(await page.locator('#scores .chart circle').count()).toBe(4)
      await page.close()
    },
  )

  test('a flip leads to its row on both maps: one model is right, the other names another answer', async () => {
    const { page } = await open()
    const before = [await drawing(page, '#map canvas', 0), await drawing(page, '#map canvas', 1)]
    const flip = page.locator('#flips .columns > div').first().locator('.failure').first()
    const query = await flip.locator('.example.query span').textContent()
    await flip.getByRole('button').click()
    const words = await card(page).textContent()
    expect(words).toContain(query)
    expect(words).toContain('The good model is right')
    expect(words).toContain('The poor model put first')
    for (const place of [0, 1])
      await expect.poll(() => drawing(page, '#map canvas', place)).not.toBe(before[place])
    await page.close()
  })

  test('from an answer one goes to the queries that it answers', async () => {
    const { page } = await open()
    await page.getByRole('searchbox').fill('naming: owl')
    await page.locator('#map .found button').first().click()
    expect(await card(page).textContent()).toMatch(
      /The good model finds it for \d+ of 10 queries that it answers/,
    )
    await card(page).getByRole('button').first().click()
    expect(await card(page).textContent()).toMatch(/Query.*Right answernaming: owl/)
    await page.close()
  })

  test('task, map and lines can be chosen', async () => {
    const { page } = await open()
    const menu = (name: string) => page.locator('#map .choices label', { hasText: name }).locator('select')
    const drawings = [await drawing(page, '#map canvas')]
    for (const [name, value] of [
      ['Lines', 'misses'],
      ['Task', 'asking'],
      ['Map', 'UMAP'],
    ] as const) {
      await menu(name).selectOption({ label: value === 'misses' ? 'of all misses' : value })
      await expect.poll(() => drawing(page, '#map canvas')).not.toBe(drawings.at(-1))
      drawings.push(await drawing(page, '#map canvas'))
    }
    expect(await page.locator('#map .panel-title').first().textContent()).toMatch(/\d+ of 60 queries found/)
    await page.close()
  })

  test('a figure is saved as a picture that needs no page', async () => {
    const { page } = await open()
    const saved = async (figure: string, kind: string) => {
      const download = page.waitForEvent('download')
      await page.locator(figure).getByRole('button', { name: kind }).first().click()
      return await readFile(await (await download).path())
    }
    const svg = (await saved('#scores figure', 'SVG')).toString()
    expect(svg).toContain('Every task')
    expect(svg).not.toMatch(/var\(|NaN/)
    expect(svg.match(/<circle/g)?.length).toBeGreaterThanOrEqual(4)
    const png = sharp(await saved('#map figure', 'PNG'))
    const { width, height } = await png.metadata()
    const { channels } = await png.stats()
    expect([width! > 1000, height! > 500, channels[0]!.stdev > 3]).toEqual([true, true, true])
    if (process.env.BIFOCAL_SCREENSHOTS)
      await png.toFile(join(process.env.BIFOCAL_SCREENSHOTS, 'saved-map.png'))
    await page.close()
  })

  test('20,000 items of two models are zoomed through in even frames', async () => {
    await report()
    const data = await runPageOf([await openRun(folder())])
    const explorer = largeExplorer(20_000, ['good', 'poor'], data.explorer.pictures)
    const path = join(pages.folder, 'large.html')
    const built = await readFile(pages.built, 'utf8')
    await writeFile(path, splicePage(built, { runs: JSON.stringify({ ...data, explorer }) }))
    const { page, complaints } = await pages.open(path)
    await page.locator('#map .scatter').first().focus()
    const frames = await page.evaluate<number[]>(ZOOMING)
    expect(frames).toHaveLength(60)
    const median = frames.toSorted((a, b) => a - b)[30]!
    console.log(
      `20,000 items: a frame takes ${median.toFixed(1)} ms (median), ${Math.max(...frames).toFixed(1)} ms at most`,
    )
    // A machine that does other work at the same time is slow; what draws too much takes seconds.
    expect(median).toBeLessThan(150)
    expect(complaints).toEqual([])
    await page.close()
  })
})

/** Milliseconds of each frame while the wheel zooms into a map and out again. */
const ZOOMING = `new Promise((done) => {
  const canvas = document.querySelector('#map canvas')
  canvas.scrollIntoView({ block: 'center' })
  const { left, top, width } = canvas.getBoundingClientRect()
  const frames = []
  let last
  const step = (now) => {
    if (last !== undefined) frames.push(now - last)
    last = now
    if (frames.length === 60) return done(frames)
    const at = { clientX: left + width / 3, clientY: top + width / 3, bubbles: true, cancelable: true }
    canvas.dispatchEvent(new WheelEvent('wheel', { ...at, deltaY: frames.length < 30 ? -40 : 40 }))
    requestAnimationFrame(step)
  }
  requestAnimationFrame(step)
})`
