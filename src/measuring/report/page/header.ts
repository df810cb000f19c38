/**
 * @file The top of the page: what was compared, what came out, whether the criteria hold, how to
 * get it again.
 */

import { duration, modelName } from '../format.ts'
import { isSubject } from '../lookup.ts'
import type { Results } from '../results.ts'
import type { StudyRun } from '../run.ts'
import { colourOf } from './colour.ts'
import { h, more } from './element.ts'

/** The top of every page. */
export interface Head {
  /** The kind of page: `embedding study`. */
  readonly kind: string
  readonly title: string
  readonly byline: string
  /** Makes the numbers again; undefined where nobody knows it. */
  readonly command: string | undefined
  readonly models: Results['models']
  readonly verdict: HTMLElement
  readonly criteria: Results['criteria']
}

/**
 * @param parts  the sections of the page
 * @param titles their names in the list of parts, by id; by default those of the known sections
 */
export function header(
  head: Head,
  parts: readonly HTMLElement[],
  titles: ReadonlyMap<string, string> = contents,
): HTMLElement {
  return h(
    'header',
    {},
    h('p', { class: 'eyebrow' }, `bifocal · ${head.kind}`),
    h('h1', {}, head.title),
    h('p', { class: 'byline' }, head.byline),
    provenance(head),
    head.verdict,
    criteria(head.criteria),
    h(
      'nav',
      { 'aria-label': 'Parts of this report' },
      ...parts.map(({ id }) => h('a', { href: `#${id}` }, titles.get(id) ?? id)),
    ),
  )
}

/** The command that makes these results again, and the weights they belong to. */
function provenance({ command, models }: Pick<Head, 'command' | 'models'>): HTMLElement {
  const weights = models
    .filter((model) => isSubject(model))
    .flatMap((model) =>
      model.hash === null ? [] : [{ ...model, hash: model.hash, colour: colourOf({ models }, model) }],
    )
  return h(
    'div',
    { class: 'provenance' },
    command === undefined
      ? null
      : h('div', { class: 'command' }, h('span', {}, 'Reproduce with'), h('code', {}, command)),
    h(
      'div',
      { class: 'key' },
      ...weights.map(({ id, hash, colour }) =>
        h(
          'span',
          {},
          h('i', { class: 'swatch', style: `--swatch: ${colour}` }),
          `${modelName({ models }, id)} `,
          h('code', { title: hash }, hash.slice(0, 8)),
        ),
      ),
    ),
  )
}

const contents: ReadonlyMap<string, string> = new Map([
  ['factors', 'Over seeds'],
  ['scores', 'Scores'],
  ['differences', 'Differences'],
  ['tuning', 'Tuning'],
  ['alignment', 'Alignment'],
  ['flips', 'Flips'],
  ['map', 'Map'],
  ['failures', 'Failures'],
  ['models', 'Models and tasks'],
])

/** Criteria that are not met stand open; a click opens the others. */
function criteria(criteria: Results['criteria']): HTMLElement | null {
  if (criteria.length === 0) return null
  const met = criteria.filter(({ passed }) => passed)
  const unmet = criteria.filter(({ passed }) => !passed)
  return h(
    'div',
    { class: 'criteria' },
    h('h2', {}, `Criteria: ${met.length} of ${criteria.length} met`),
    unmet.length === 0 ? null : criteriaList(unmet),
    met.length === 0 ? null : more(unmet.length === 0 ? 'All of them' : 'Those met', criteriaList(met)),
  )
}

function criteriaList(criteria: Results['criteria']): HTMLElement {
  return h(
    'ul',
    {},
    ...criteria.map(({ name, passed, detail }) =>
      h(
        'li',
        { class: passed ? 'met' : 'unmet' },
        h('span', { class: 'verdict' }, passed ? '✓ met' : '✗ not met'),
        h('span', {}, h('b', {}, name), detail === '' ? null : ` ${detail}`),
      ),
    ),
  )
}

export function footer(results: Results, run: StudyRun | null): HTMLElement {
  const total = run === null ? 0 : (Date.parse(run.finishedAt) - Date.parse(run.startedAt)) / 1000
  return h(
    'footer',
    {},
    run === null
      ? null
      : h(
          'p',
          {},
          `Made in ${duration(total)} on ${run.machine.cpu} (${run.machine.cores} cores, ` +
            `${run.machine.device}, ${run.machine.dtype}). Added up over models that ran side by side: `,
          run.phases.map((phase) => `${phase.name} ${duration(phase.seconds)}`).join(', '),
          '. ',
          Object.entries(run.versions)
            .map(([name, version]) => `${name} ${version}`)
            .join(', '),
          '.',
        ),
    ...results.credits.map((credit) => h('p', {}, credit)),
    h('p', {}, 'All numbers: results.json beside this page.'),
  )
}
