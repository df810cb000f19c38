/**
 * @file Writes pages: of a study, with results and run beside it, of a tuning, of runs, of a
 * comparison and of an analysis.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeFileAtomic } from '../../foundation/files/file.ts'
import { RECORD, readTuningRecord } from '../../learning/tuning/job/record.ts'
import type { Analysis } from '../analysis/analysis.ts'
import type { ComparisonReport } from '../benchmark/comparison/report.ts'
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
  return await writePage({ tuning: JSON.stringify(record) }, options.out ?? dir, options.page)
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
  return await writePage({ runs: JSON.stringify(await runPageOf(runs)) }, outDir, options.page)
}

/**
 * Writes the page of a comparison, complete or not at all.
 * @param out a `.html` file, or a folder that gets `report.html`
 * @returns the page's path
 * @throws FileError; ReportError `report/page-missing`
 * @example await writeComparisonReport(await compareRuns(['a', 'b']), 'out')
 */
export async function writeComparisonReport(
  comparison: ComparisonReport,
  out: string,
  options: { page?: string } = {},
): Promise<string> {
  return await writePage({ comparison: JSON.stringify(comparison) }, out, options.page)
}

/**
 * Writes the page of an analysis, complete or not at all.
 * @param out a `.html` file, or a folder that gets `report.html`
 * @returns the page's path
 * @throws FileError; ReportError `report/page-missing`
 * @example await writeAnalysisReport(await analyzeVectors({ images, texts }), 'out')
 */
export async function writeAnalysisReport(
  analysis: Analysis,
  out: string,
  options: { page?: string } = {},
): Promise<string> {
  return await writePage({ analysis: JSON.stringify(analysis) }, out, options.page)
}

async function writePage(spliced: Spliced, out: string, page: string | undefined): Promise<string> {
  const path = out.endsWith('.html') ? out : join(out, PAGE)
  await writeFileAtomic(path, splicePage(await readPage(page), spliced))
  return path
}

/** The places of a page for JSON texts; a page fills some of them. */
const PLACES = ['results', 'run', 'tuning', 'runs', 'comparison', 'analysis'] as const

/** JSON texts that a page shows. */
export type Spliced = Readonly<Partial<Record<(typeof PLACES)[number], string>>>

/**
 * Puts JSON texts into the built page. No `<` of theirs survives, so no label can close the script
 * element it stands in.
 */
export function splicePage(page: string, spliced: Spliced): string {
  return PLACES.reduce(
    (made, place) =>
      made.replace(`"__BIFOCAL_${place.toUpperCase()}__"`, () => escaped(spliced[place] ?? 'null')),
    page,
  )
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
