/** @file The page of a study: its results, drawn. */

import type { Results } from '../results.ts'
import type { StudyRun } from '../run.ts'
import { alignment } from './alignment.ts'
import { differences } from './differences.ts'
import { h } from './element.ts'
import { factors } from './factors.ts'
import { failures } from './failures.ts'
import { footer, header } from './header.ts'
import { pairMap } from './map.ts'
import { models } from './models.ts'
import { pairs } from './pairs.ts'
import { scores } from './scores.ts'
import { tuning } from './tuning.ts'
import { endsOf, verdict } from './verdict.ts'

export function studyPage(results: Results, run: StudyRun | null): HTMLElement {
  const sections = [
    factors(results),
    scores(results),
    pairs(results),
    differences(results),
    tuning(results),
    alignment(results),
    pairMap(results),
    failures(results),
    models(results),
  ]
  const parts = sections.filter((part) => part !== null)
  return h(
    'div',
    { class: 'page' },
    header(
      {
        ...results,
        kind: 'embedding study',
        byline:
          `${results.world} world, ${results.plan} plan, seed ${results.seed}` +
          (run === null ? '' : `, ${run.finishedAt.slice(0, 10)}`),
        verdict: verdict(results.finding, endsOf(results), results.factors?.sentence),
      },
      parts,
    ),
    h('main', {}, ...parts),
    footer(results, run),
  )
}
