/** @file The page of one run or several: the sections of a study's page that they have. */

import type { RunPage } from '../runs/form.ts'
import { alignment } from './alignment.ts'
import { colourOf } from './colour.ts'
import { differences } from './differences.ts'
import { h } from './element.ts'
import { flips } from './flips.ts'
import { header } from './header.ts'
import { answerMap } from './map.ts'
import { models } from './models.ts'
import { scores } from './scores.ts'
import { type End, verdict } from './verdict.ts'

export function runPage(page: RunPage): HTMLElement {
  const map = answerMap(page.explorer, page.models)
  const sections = [
    scores(page),
    differences(page),
    flips(page.explorer, page.flips, page.models, map?.showRow),
    map?.element ?? null,
    alignment(page),
    models(page),
  ]
  const parts = sections.filter((part) => part !== null)
  const side = ({ label, model }: RunPage['verdict']['a']): End => {
    const found = page.models.find(({ id }) => id === model)
    return { label, colour: found === undefined ? 'var(--control)' : colourOf(page, found) }
  }
  return h(
    'div',
    { class: 'page' },
    header(
      {
        ...page,
        kind: 'evaluation',
        criteria: [],
        verdict: verdict(page.verdict, { a: side(page.verdict.a), b: side(page.verdict.b) }),
      },
      parts,
    ),
    h('main', {}, ...parts),
    h('footer', {}, ...page.made.map((line) => h('p', {}, line))),
  )
}
