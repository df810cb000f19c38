/** @file The top of the page: what was compared, what came out, whether the criteria hold, how to get it again. */

import type { Results } from '../results.ts'
import type { StudyRun } from '../run.ts'
import { colourOf, headlinePair, subjects } from './cast.ts'
import { type Child, h, section } from './element.ts'
import { duration, percent, points, pointsRange } from './format.ts'

export function header(results: Results, run: StudyRun | null): HTMLElement {
  return h(
    'header',
    {},
    h('p', { class: 'eyebrow' }, 'bifocal · embedding study'),
    h('h1', {}, results.title),
    h(
      'p',
      { class: 'byline' },
      `${results.world} world, ${results.preset} preset, seed ${results.seed}`,
      run === null ? null : `, ${run.finishedAt.slice(0, 10)}`,
    ),
    finding(results),
    criteria(results),
    h('nav', { 'aria-label': 'Parts of this report' }, ...contents().flatMap(([id, title]) => [h('a', { href: `#${id}` }, title)])),
  )
}

function contents(): [string, string][] {
  return [
    ['scores', 'Scores'],
    ['differences', 'Differences'],
    ['tuning', 'Tuning'],
    ['alignment', 'Alignment'],
    ['map', 'Map'],
    ['failures', 'Failures'],
    ['models', 'Models and tasks'],
  ]
}

function finding({ finding: { sentence, quantity, interval, caveats }, ...rest }: Results): HTMLElement {
  const results = { ...rest, finding: { sentence, quantity, interval, caveats } }
  const pair = headlinePair(results)
  const extent = 1.15 * Math.max(Math.abs(interval.low), Math.abs(interval.high), 0.01)
  const at = (value: number) => `${(50 + (50 * value) / extent).toFixed(2)}%`
  const width = `${((50 * (interval.high - interval.low)) / extent).toFixed(2)}%`
  const winner = pair === undefined ? undefined : interval.value >= 0 ? pair.a : pair.b
  const colour = winner === undefined || (interval.low <= 0 && interval.high >= 0) ? 'var(--control)' : colourOf(results, winner)
  const ends: Child[] =
    pair === undefined ? [] : [h('span', {}, `← ${pair.b.label} better`), h('span', {}, '0'), h('span', {}, `${pair.a.label} better →`)]
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
      ),
      h('div', { class: 'ends', 'aria-hidden': 'true' }, ...ends),
      h(
        'p',
        { class: 'quantity' },
        h('b', {}, `${points(interval.value)} points`),
        ` (95 % interval ${pointsRange(interval)}): ${quantity}.`,
      ),
    ),
    ...caveats.map((caveat) => h('p', { class: 'caveat' }, caveat)),
  )
}

function criteria({ criteria }: Results): HTMLElement | null {
  if (criteria.length === 0) return null
  const passed = criteria.filter((one) => one.passed).length
  return h(
    'div',
    { class: 'criteria' },
    h('h2', {}, `Criteria: ${passed} of ${criteria.length} met`),
    h(
      'ul',
      {},
      ...[...criteria.filter((one) => !one.passed), ...criteria.filter((one) => one.passed)].map(({ name, passed: met, detail }) =>
        h(
          'li',
          { class: met ? 'met' : 'unmet' },
          h('span', { class: 'verdict' }, met ? '✓ met' : '✗ not met'),
          h('span', {}, h('b', {}, name), detail === '' ? null : ` ${detail}`),
        ),
      ),
    ),
  )
}

/** The command, the models with their hashes, the tasks with their chance levels, notes. */
export function models(results: Results): HTMLElement {
  const described = results.models.filter((model) => model.role !== 'chance' && model.role !== 'majority')
  const rows = described.map((model) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, h('i', { class: 'swatch', style: `--swatch: ${colourOf(results, model)}` }), model.label),
      ...[
        model.state === 'none' ? '–' : model.state,
        model.objective === 'none' ? '–' : model.objective,
        model.attention === 'none' ? '–' : model.attention,
        model.parameters === null ? '–' : `${(model.parameters / 1e6).toFixed(2)} M`,
        model.readout ?? '–',
      ].map((text) => h('td', { class: 'text' }, text)),
      h('td', { class: 'text' }, model.hash === null ? '–' : h('code', { title: model.hash }, model.hash.slice(0, 12))),
    ),
  )
  const cards = subjects(results, 'untuned').flatMap((model) =>
    model.card === undefined ? [] : [h('p', {}, h('b', {}, `${model.label}. `), model.card)],
  )
  return section(
    'models',
    'Models and tasks',
    h('div', { class: 'command' }, h('span', {}, 'Reproduce with'), h('code', {}, results.command)),
    scroll('Models', ['Model', 'State', 'Objective', 'Attention', 'Parameters', 'Readout', 'Hash'], rows),
    ...cards,
    scroll(
      'Tasks',
      ['Task', 'Why it is here', 'Queries', 'Candidates', 'Chance, %', 'Majority, %'],
      results.tasks.map((task) =>
        h(
          'tr',
          {},
          h('th', { scope: 'row' }, task.name),
          h('td', { class: 'text wide' }, task.reason),
          h('td', {}, String(task.queries)),
          h('td', {}, String(task.candidates)),
          h('td', {}, percent(task.chance)),
          h('td', {}, task.majority === null ? '–' : percent(task.majority)),
        ),
      ),
    ),
    results.notes.length === 0
      ? null
      : h('div', { class: 'notes' }, h('h3', {}, 'Notes'), h('ul', {}, ...results.notes.map((note) => h('li', {}, note)))),
  )
}

function scroll(label: string, columns: string[], rows: HTMLElement[]): HTMLElement {
  const head = h('tr', {}, ...columns.map((column, index) => h('th', { scope: 'col', class: index === 0 ? '' : 'text' }, column)))
  return h(
    'div',
    { class: 'scroll', role: 'region', 'aria-label': label, tabindex: '0' },
    h('table', {}, h('thead', {}, head), h('tbody', {}, ...rows)),
  )
}

export function footer(results: Results, run: StudyRun | null): HTMLElement {
  const total = run === null ? 0 : run.phases.reduce((sum, phase) => sum + phase.seconds, 0)
  return h(
    'footer',
    {},
    run === null
      ? null
      : h(
          'p',
          {},
          `Made in ${duration(total)} on ${run.machine.cpu} (${run.machine.cores} cores, ${run.machine.device}, ${run.machine.dtype}): `,
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
