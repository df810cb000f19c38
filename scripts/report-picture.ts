/**
 * @file Takes docs/report.png, the head of a study's report as a reader sees it first.
 *
 *     npm start
 *     npm run report-picture [-- bifocal-study/report.html docs/report.png]
 *
 * It needs a Chromium: /usr/bin/chromium, or the one that BIFOCAL_CHROMIUM names.
 */

import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'

const [report = 'bifocal-study/report.html', picture = 'docs/report.png'] = process.argv.slice(2)
const browser = await chromium.launch({
  executablePath: process.env.BIFOCAL_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu'],
})
const page = await browser.newPage({
  colorScheme: 'light',
  viewport: { width: 1120, height: 900 },
  deviceScaleFactor: 1.5,
})
await page.goto(pathToFileURL(resolve(report)).href)
await page.locator('.chart svg').first().waitFor()
await page.screenshot({ path: picture })
await browser.close()
console.log(picture)
