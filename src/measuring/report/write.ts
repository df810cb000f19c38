/**
 * @file Writes the page of a study, with results and run beside it, of a tuning, and of runs.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeFileAtomic } from '../../foundation/files/file.ts'
import { RECORD, readTuningRecord } from '../../learning/tuning/job/record.ts'
import type { EvalRun } from '../benchmark/run/eval-run.ts'
import { ReportError } from './errors.ts'
import { type Results, serializeResults } from './results.ts'
import { type StudyRun, serializeRun } from './run.ts'
import { runPageOf } from './runs/page.ts'

const PAGE = 'report.html'

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
  const html = splicePage(await readPage(options.page), { results: resultsJson, run: runJson })
  const written = {
    html: join(outDir, PAGE),
    results: join(outDir, 'results.json'),
    run: join(outDir, 'run.json'),
  }
  await writeFileAtomic(written.results, resultsJson)
  await writeFileAtomic(written.run, runJson)
  await writeFileAtomic(written.html, html)
  return written
}

/**
 * Writes the page of a tuning, `report.html`, complete or not at all.
 * @param dir has the record of a finished tuning, `tuning.json`
 * @param options.out  folder of the page (default: the tuning's)
 * @param options.page another built page (default: the one that came with the package)
 * @returns the page's path
 * @throws FileError `file/missing`, `file/json`, `file/schema` for the record; ReportError
 *   `report/page-missing`
 * @example await writeTuningReport('my-embedder')
 */
export async function writeTuningReport(
  dir: string,
  options: { out?: string; page?: string } = {},
): Promise<string> {
  const record = await readTuningRecord(join(dir, RECORD))
  const html = splicePage(await readPage(options.page), { tuning: JSON.stringify(record) })
  const path = join(options.out ?? dir, PAGE)
  await writeFileAtomic(path, html)
  return path
}

/**
 * Writes the page of one run or several, `report.html`, into a folder, complete or not at all. Its
 * maps come from the vectors that the runs have stored; a model without any has none.
 * @param runs of which all models are shown; with several, tasks of one name and the same rows are
 *   one task
 * @returns the page's path
 * @throws BenchmarkError; FileError; ReportError `report/no-run`, `report/page-missing`
 * @example await writeRunReport([await openRun('run')], 'run')
 */
export async function writeRunReport(
  runs: readonly EvalRun[],
  outDir: string,
  options: { page?: string } = {},
): Promise<string> {
  if (!runs.some(({ models }) => models.length > 0)) {
    throw new ReportError('no-run', {
      message: 'there is no model to report on: no run was given, or none with a model',
      hint: 'Give at least one run of `bifocal eval`.',
    })
  }
  const page = await readPage(options.page)
  const html = splicePage(page, { runs: JSON.stringify(await runPageOf(runs)) })
  const path = join(outDir, PAGE)
  await writeFileAtomic(path, html)
  return path
}

/** JSON texts that a page shows. */
export interface Spliced {
  results?: string
  run?: string
  tuning?: string
  runs?: string
}

/**
 * Puts JSON texts into the built page. No `<` of theirs survives, so no label can close the script
 * element it stands in.
 */
export function splicePage(
  page: string,
  { results = 'null', run = 'null', tuning = 'null', runs = 'null' }: Spliced,
): string {
  return page
    .replace('"__BIFOCAL_RESULTS__"', () => escaped(results))
    .replace('"__BIFOCAL_RUN__"', () => escaped(run))
    .replace('"__BIFOCAL_TUNING__"', () => escaped(tuning))
    .replace('"__BIFOCAL_RUNS__"', () => escaped(runs))
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
