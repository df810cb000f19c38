/** @file The report page: reads the results that were spliced into it and draws them. */

import type { Results } from '../results.ts'
import type { StudyRun } from '../run.ts'
import { alignment } from './alignment.ts'
import { differences } from './differences.ts'
import { h } from './element.ts'
import { failures } from './failures.ts'
import { footer, header } from './header.ts'
import { map } from './map.ts'
import { models } from './models.ts'
import { scores } from './scores.ts'
import { tuning } from './tuning.ts'

// `writeReport` has checked both against their schemas; checking again here would carry a validator
// in every page.
const results: Results = JSON.parse(document.querySelector('#results')?.textContent ?? 'null')
const run: StudyRun | null = JSON.parse(document.querySelector('#run')?.textContent ?? 'null')

document.title = results.title
const sections = [
  scores(results),
  differences(results),
  tuning(results),
  alignment(results),
  map(results),
  failures(results),
  models(results),
]
const parts = sections.filter((part) => part !== null)
document.body.append(
  h(
    'div',
    { class: 'page' },
    header(
      results,
      run,
      parts.map((part) => part.id),
    ),
    h('main', {}, ...parts),
    footer(results, run),
  ),
)
