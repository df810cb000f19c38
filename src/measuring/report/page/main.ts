/**
 * @file The report page: reads the one thing that was spliced into it (the results of a study, the
 * record of a tuning, runs, a comparison or an analysis) and draws it.
 */

import type { TuningRecord } from '../../../learning/tuning/job/record-form.ts'
import type { Analysis } from '../../analysis/analysis.ts'
import type { ComparisonReport } from '../../benchmark/comparison/report.ts'
import type { Results } from '../results.ts'
import type { StudyRun } from '../run.ts'
import type { RunPage } from '../runs/form.ts'
import { analysisPage } from './analysis/page.ts'
import { comparisonPage } from './comparison-page.ts'
import { recordPage } from './record-page.ts'
import { runPage } from './run-page.ts'
import { studyPage } from './study-page.ts'

// The writers of the page have checked all of it against its schemas; checking again here would
// carry a validator in every page.
const spliced = (id: string) => JSON.parse(document.querySelector(`#${id}`)?.textContent ?? 'null')
const results: Results | null = spliced('results')
const run: StudyRun | null = spliced('run')
const record: TuningRecord | null = spliced('tuning')
const runs: RunPage | null = spliced('runs')
const comparison: ComparisonReport | null = spliced('comparison')
const analysis: Analysis | null = spliced('analysis')

document.title =
  results?.title ?? runs?.title ?? (record === null ? 'bifocal report' : `${record.model.name}, tuned`)
if (results !== null) document.body.append(studyPage(results, run))
if (record !== null) document.body.append(recordPage(record))
if (runs !== null) document.body.append(runPage(runs))
if (comparison !== null) document.body.append(comparisonPage(comparison))
if (analysis !== null) document.body.append(analysisPage(analysis))
