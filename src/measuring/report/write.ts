/** @file Writes a study's folder: the page, the results it shows, and the run that made them. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeFileAtomic } from '../../foundation/files/file.ts'
import { ReportError } from './errors.ts'
import { type Results, serializeResults } from './results.ts'
import { type StudyRun, serializeRun } from './run.ts'

/** Paths of what was written. */
export interface WrittenReport {
  html: string
  results: string
  run: string
}

/**
 * Where the built page lies: beside the compiled code, or in `dist` when the sources themselves
 * run.
 */
const pagePlaces = ['./page.html', '../../../dist/measuring/report/page.html']

/**
 * Writes `report.html`, `results.json` and `run.json` into `outDir`, each complete or not at all.
 * @param options.page another built page (default: the one that came with the package)
 * @throws ReportError `report/results-schema`, `report/run-schema`, `report/page-missing`
 * @example const { html } = await writeReport(results, run, 'out')
 */
export async function writeReport(
  results: Results,
  run: StudyRun,
  outDir: string,
  options: { page?: string } = {},
): Promise<WrittenReport> {
  const [resultsJson, runJson] = [serializeResults(results), serializeRun(run)]
  const html = spliceReport(await readPage(options.page), resultsJson, runJson)
  const written = {
    html: join(outDir, 'report.html'),
    results: join(outDir, 'results.json'),
    run: join(outDir, 'run.json'),
  }
  await writeFileAtomic(written.results, resultsJson)
  await writeFileAtomic(written.run, runJson)
  await writeFileAtomic(written.html, html)
  return written
}

/**
 * Puts both JSON texts into the built page. No `<` of theirs survives, so no label can close the
 * script element it stands in.
 */
export function spliceReport(page: string, resultsJson: string, runJson: string): string {
  return page
    .replace('"__BIFOCAL_RESULTS__"', () => escaped(resultsJson))
    .replace('"__BIFOCAL_RUN__"', () => escaped(runJson))
}

function escaped(json: string): string {
  return json.replaceAll('<', '\\u003c')
}

async function readPage(given: string | undefined): Promise<string> {
  const places =
    given === undefined ? pagePlaces.map((place) => fileURLToPath(new URL(place, import.meta.url))) : [given]
  for (const place of places) {
    const page = await readFile(place, 'utf8').catch(() => undefined)
    if (page !== undefined) return page
  }
  throw new ReportError('page-missing', {
    message: `the report page is at none of ${places.join(', ')}`,
    hint: 'Build it: npm run build:report',
  })
}
