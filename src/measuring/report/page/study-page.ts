/** @file The page of a study: its results, drawn. */

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

export function studyPage(results: Results, run: StudyRun | null): HTMLElement {
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
  return h(
    'div',
    { class: 'page' },
    header(
      results,
      run,
      parts.map((part) => part.id),
    ),
    h('main', {}, ...parts),
    footer(results, run),
  )
}
