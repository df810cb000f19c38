/**
 * @file The report page: reads what was spliced into it (the results of a study, the record of a
 * tuning, or runs) and draws it.
 */

import type { TuningRecord } from '../../../learning/tuning/job/record-form.ts'
import type { Results } from '../results.ts'
import type { StudyRun } from '../run.ts'
import type { RunPage } from '../runs/form.ts'
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

document.title = results?.title ?? runs?.title ?? `${record?.model.name}, tuned`
if (results !== null) document.body.append(studyPage(results, run))
if (record !== null) document.body.append(recordPage(record))
if (runs !== null) document.body.append(runPage(runs))
