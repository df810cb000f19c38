/**
 * @file The top of the page: what was compared, what came out, whether the criteria hold, how to
 * get it again.
 */

import { duration, modelName, points, pointsRange } from '../format.ts'
import { headlinePair, isSubject } from '../lookup.ts'
import type { Results, ResultsModel } from '../results.ts'
import type { StudyRun } from '../run.ts'
import { colourOf } from './colour.ts'
import { type Child, h, more } from './element.ts'

/** @param parts ids of the sections that these results have */
export function header(results: Results, run: StudyRun | null, parts: string[]): HTMLElement {
  return h(
    'header',
    {},
    h('p', { class: 'eyebrow' }, 'bifocal · embedding study'),
    h('h1', {}, results.title),
    h(
      'p',
      { class: 'byline' },
      `${results.world} world, ${results.plan} plan, seed ${results.seed}`,
      run === null ? null : `, ${run.finishedAt.slice(0, 10)}`,
    ),
    provenance(results),
    finding(results),
    criteria(results),
    h(
      'nav',
      { 'aria-label': 'Parts of this report' },
      ...contents
        .filter(([id]) => parts.includes(id))
        .map(([id, title]) => h('a', { href: `#${id}` }, title)),
    ),
  )
}

/** The command that makes these results again, and the weights they belong to. */
function provenance(results: Results): HTMLElement {
  const weights = results.models
    .filter((model) => isSubject(model))
    .flatMap((model) =>
      model.hash === null ? [] : [{ ...model, hash: model.hash, colour: colourOf(results, model) }],
    )
  return h(
    'div',
    { class: 'provenance' },
    h('div', { class: 'command' }, h('span', {}, 'Reproduce with'), h('code', {}, results.command)),
    h(
      'div',
      { class: 'key' },
      ...weights.map(({ id, hash, colour }) =>
        h(
          'span',
          {},
          h('i', { class: 'swatch', style: `--swatch: ${colour}` }),
          `${modelName(results, id)} `,
          h('code', { title: hash }, hash.slice(0, 8)),
        ),
      ),
    ),
  )
}

const contents: [string, string][] = [
  ['scores', 'Scores'],
  ['differences', 'Differences'],
  ['tuning', 'Tuning'],
  ['alignment', 'Alignment'],
  ['map', 'Map'],
  ['failures', 'Failures'],
  ['models', 'Models and tasks'],
]

function finding(results: Results): HTMLElement {
  const { sentence, quantity, interval, otherSeeds, caveats } = results.finding
  const pair = headlinePair(results)
  const drawn = [interval, ...otherSeeds.map((other) => other.interval)]
  const extent = 1.15 * Math.max(0.01, ...drawn.flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)]))
  const at = (value: number) => `${(50 + (50 * value) / extent).toFixed(2)}%`
  const width = `${((50 * (interval.high - interval.low)) / extent).toFixed(2)}%`
  const winner = pair === undefined ? undefined : interval.value >= 0 ? pair.a : pair.b
  const colour =
    winner === undefined || (interval.low <= 0 && interval.high >= 0)
      ? 'var(--control)'
      : colourOf(results, winner)
  const end = ({ id, label }: ResultsModel) =>
    pair !== undefined && pair.a.label === pair.b.label ? modelName(results, id) : label
  const ends: Child[] =
    pair === undefined
      ? []
      : [
          h('span', {}, `← ${end(pair.b)} better`),
          h('span', {}, '0'),
          h('span', {}, `${end(pair.a)} better →`),
        ]
  return h(
    'div',
    { class: 'finding' },
    h('p', { class: 'sentence' }, sentence),
    h(
      'div',
      { class: 'evidence', style: `--colour: ${colour}` },
      h(
        'div',
        {
          class: 'strip',
          role: 'img',
          'aria-label': `${quantity}: ${points(interval.value)} points, 95 % interval ${pointsRange(interval)}`,
        },
        h('i', { class: 'zero' }),
        h('i', { class: 'bar', style: `left: ${at(interval.low)}; width: ${width}` }),
        h('i', { class: 'estimate', style: `left: ${at(interval.value)}` }),
        ...otherSeeds.map(({ seed, interval: { value } }) =>
          h('i', {
            class: 'other',
            style: `left: ${at(value)}`,
            title: `seed ${seed}: ${points(value)} points`,
          }),
        ),
      ),
      h('div', { class: 'ends', 'aria-hidden': 'true' }, ...ends),
      h(
        'p',
        { class: 'quantity' },
        h('b', {}, `${points(interval.value)} points`),
        ` (95 % interval ${pointsRange(interval)}): ${quantity}.`,
        otherSeeds.length === 0 ? null : ' Rings: runs with other seeds.',
      ),
    ),
    ...caveats.map((caveat) => h('p', { class: 'caveat' }, caveat)),
  )
}

/** Criteria that are not met stand open; a click opens the others. */
function criteria({ criteria }: Results): HTMLElement | null {
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
