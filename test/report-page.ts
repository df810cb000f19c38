/** @file The built report page in Chromium, for tests. */

import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, expect } from 'vitest'

/** Undefined where there is no Chromium; then a warning says so. */
export const chromiumPath = [
  process.env.BIFOCAL_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
].find((path) => path !== undefined && existsSync(path))
if (chromiumPath === undefined)
  console.warn('REPORT PAGE NOT LOOKED AT: no Chromium here (set BIFOCAL_CHROMIUM)')

type Scheme = 'light' | 'dark'

/** How every page is looked at: colour scheme and width in pixels. */
export const LOOKS = [
  ['light', 1280],
  ['dark', 1280],
  ['light', 390],
  ['dark', 390],
] as const satisfies [Scheme, number][]

export interface OpenPage {
  readonly page: Page
  /** Errors and warnings of the page. */
  readonly complaints: string[]
  /** Addresses that it asked for. */
  readonly requests: string[]
}

export interface PageTests {
  /** A folder of the tests' own. */
  readonly folder: string
  /** The built page. */
  readonly built: string
  /** Opens a written page and waits for its first chart. */
  open(path: string, scheme?: Scheme, width?: number): Promise<OpenPage>
}

/**
 * Builds the page and starts a browser before the tests of a file; ends it after them.
 * @param name of the folder
 */
export function pageTests(name: string): PageTests {
  let [folder, built]: [string, string] = ['', '']
  let browser: Browser
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), `bifocal-${name}-`))
    built = await builtPage(folder)
    browser = await launched()
  }, 120_000)
  afterAll(() => browser?.close())
  return {
    get folder() {
      return folder
    },
    get built() {
      return built
    },
    open: (path, scheme = 'light', width = 1280) => opened(browser, path, scheme, width),
  }
}

/** Builds the page. @returns its path */
async function builtPage(folder: string): Promise<string> {
  const configFile = fileURLToPath(new URL('../vite.report.config.ts', import.meta.url))
  await build({ configFile, build: { outDir: join(folder, 'built') } })
  return join(folder, 'built', 'page.html')
}

async function launched(): Promise<Browser> {
  return await chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

async function opened(browser: Browser, path: string, colorScheme: Scheme, width: number): Promise<OpenPage> {
  const page = await browser.newPage({
    colorScheme,
    viewport: { width, height: 900 },
    reducedMotion: 'reduce',
  })
  const complaints: string[] = []
  const requests: string[] = []
  page.on(
    'console',
    (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()),
  )
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => requests.push(request.url()))
  await page.goto(pathToFileURL(path).href)
  await page.locator('.chart svg').first().waitFor()
  return { page, complaints, requests }
}

/**
 * Checks what holds for every page: no complaint, no request, every chart drawn with numbers,
 * nothing wider than the window.
 * @param shot name of a picture of the page, kept where BIFOCAL_SCREENSHOTS names a folder
 */
export async function expectSound(
  { page, complaints, requests }: OpenPage,
  { width, title, shot }: { width: number; title: string; shot: string },
): Promise<void> {
  await page.waitForFunction(
    `[...document.querySelectorAll('.chart')].every((chart) => chart.querySelector('svg') !== null)`,
  )
  expect(complaints).toEqual([])
  expect(requests.filter((url) => !url.startsWith('file:') && !url.startsWith('data:'))).toEqual([])
  expect(await page.locator('h1').textContent()).toBe(title)
  expect(
    await page
      .locator('svg text')
      .filter({ hasText: /NaN|undefined/ })
      .count(),
  ).toBe(0)
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
  const shots = process.env.BIFOCAL_SCREENSHOTS
  if (shots !== undefined) await page.screenshot({ path: join(shots, `${shot}.png`), fullPage: true })
}

/** Ids of the page's sections, from top to bottom. */
export async function sectionsOf(page: Page): Promise<string[]> {
  return await page.locator('section').evaluateAll((sections) => sections.map(({ id }) => id))
}

/** Share of the pixels of a canvas that are drawn on. */
export async function inked(page: Page, canvas: string): Promise<number> {
  return await page.evaluate<number>(`(() => {
    const canvas = document.querySelector(${JSON.stringify(canvas)})
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    return data.filter((value, i) => i % 4 === 3 && value > 0).length / (data.length / 4)
  })()`)
}

/** A canvas as a text: equal for equal drawings. @param place among those that match */
export async function drawing(page: Page, canvas: string, place = 0): Promise<string> {
  return await page.evaluate<string>(
    `document.querySelectorAll(${JSON.stringify(canvas)})[${place}].toDataURL()`,
  )
}

/** Moves a pointer over a canvas until the tip beside it shows. */
export async function pointAtSome(page: Page, canvas: string): Promise<void> {
  await page.evaluate(`(() => {
    const canvas = document.querySelector(${JSON.stringify(canvas)})
    const { left, top, width } = canvas.getBoundingClientRect()
    for (let y = 0; y < width; y += 12)
      for (let x = 0; x < width; x += 12) {
        const at = { clientX: left + x, clientY: top + y }
        canvas.dispatchEvent(new PointerEvent('pointermove', { ...at, pointerType: 'mouse', bubbles: true }))
        if (!canvas.parentElement.querySelector('.tip').hidden) return
      }
  })()`)
}
