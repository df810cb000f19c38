/** @file The built report page in Chromium, for tests. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { build } from 'vite'

/** Undefined where there is no Chromium; then a warning says so. */
export const chromiumPath = [
  process.env.BIFOCAL_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
].find((path) => path !== undefined && existsSync(path))
if (chromiumPath === undefined)
  console.warn('REPORT PAGE NOT LOOKED AT: no Chromium here (set BIFOCAL_CHROMIUM)')

/** Builds the page. @returns its path */
export async function builtPage(folder: string): Promise<string> {
  const configFile = fileURLToPath(new URL('../vite.report.config.ts', import.meta.url))
  await build({ configFile, build: { outDir: join(folder, 'built') } })
  return join(folder, 'built', 'page.html')
}

export async function launched(): Promise<Browser> {
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

export interface OpenPage {
  readonly page: Page
  /** Errors and warnings of the page. */
  readonly complaints: string[]
  /** Addresses that it asked for. */
  readonly requests: string[]
}

/** Opens a written page and waits for its first chart. */
export async function openPage(
  browser: Browser,
  path: string,
  colorScheme: 'light' | 'dark',
  width: number,
): Promise<OpenPage> {
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
