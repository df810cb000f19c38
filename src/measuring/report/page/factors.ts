/** @file The section of the shipped factor table: how much each ingredient costs, over seeds. */

import { ONE_SEED, seedsWords } from '../factor-words.ts'
import type { Factors, ShippedEffect } from '../factors.ts'
import { metaTaskNames } from '../format.ts'
import { excludesZero } from '../lookup.ts'
import type { Results } from '../results.ts'
import { inPoints, intervalCell, table } from './analysis/table.ts'
import { figure } from './chart.ts'
import { h, more, section } from './element.ts'

const DOMAINS = [
  ['all', 'All'],
  ['in', 'In domain'],
  ['out', 'Out of domain'],
] as const

const STATES = { tuned: 'Tuned alike', untuned: 'As pretrained' } as const

/** Null in a study beside which no table ships. */
export function factors({ factors: found }: Results): HTMLElement | null {
  if (found === undefined) return null
  const states = [found.state, found.state === 'tuned' ? 'untuned' : 'tuned'] as const
  const [main, other] = states.map((state) => found.effects.filter((effect) => effect.state === state))
  return section(
    'factors',
    'Over seeds: which ingredient costs how much',
    h(
      'p',
      {},
      `${ONE_SEED} This table is over ${seedsWords(found)}. It ships with the twins; this study did not make it.`,
    ),
    h('div', { class: 'command' }, h('span', {}, 'Made with'), h('code', {}, found.command)),
    figure(
      `${STATES[found.state]}: points of hit@1, over all kinds of task`,
      'Each line is a difference, its 95 % interval below it: above zero the first scores higher. Bold where ' +
        `the interval excludes zero; an effect whose interval holds zero cannot be told. ${coversWords(main ?? [])}`,
      effectTable(main ?? [], false),
    ),
    more('By kind of task', effectTable(main ?? [], true)),
    other === undefined || other.length === 0 ? null : more(STATES[states[1]], effectTable(other, true)),
    more('Weights behind the table', weightsTable(found)),
  )
}

/** The variation that the intervals cover, each kind once. */
function coversWords(effects: readonly ShippedEffect[]): string {
  const kinds = [...new Set(effects.map(({ covers }) => covers))]
  if (kinds.length === 1) return `Intervals cover ${kinds[0]}.`
  return kinds
    .map((covers) => {
      const own = new Set(effects.filter((effect) => effect.covers === covers).map(({ effect }) => effect))
      return `Intervals of ${[...own].map((effect) => `"${effect}"`).join(', ')} cover ${covers}.`
    })
    .join(' ')
}

/** @param byTask a line for each kind of task too; else over all of them alone */
function effectTable(effects: readonly ShippedEffect[], byTask: boolean): HTMLElement {
  const shown = effects.filter(({ metaTask }) => byTask || metaTask === 'all')
  const lines = [...new Map(shown.map((one) => [`${one.effect} ${one.metaTask}`, one])).values()]
  const cell = (line: ShippedEffect, domain: ShippedEffect['domain']) =>
    effectCell(
      shown.find(
        (one) => one.effect === line.effect && one.metaTask === line.metaTask && one.domain === domain,
      ),
    )
  const rows = lines.map((line) => [
    line.effect,
    ...(byTask ? [line.metaTask === 'all' ? 'All tasks' : metaTaskNames[line.metaTask]] : []),
    ...DOMAINS.map(([domain]) => cell(line, domain)),
  ])
  const heads = ['Effect', ...(byTask ? ['Tasks'] : []), ...DOMAINS.map(([, label]) => label)]
  const made = table('Effects', heads, rows)
  made.classList.add('effects')
  return made
}

function effectCell(effect: ShippedEffect | undefined): HTMLElement {
  const cell = intervalCell(effect?.interval ?? null, inPoints, true)
  if (effect !== undefined && !excludesZero(effect.interval)) cell.append(h('small', {}, 'cannot be told'))
  return cell
}

function weightsTable({ models }: Factors): HTMLElement {
  return table(
    'Weights',
    ['Model', 'Seed of pretraining', 'Seeds of tuning', 'Hash'],
    models.map(({ model, pretraining, tunings, hash }) => [
      model,
      String(pretraining),
      tunings.join(', '),
      h('td', { class: 'text' }, h('code', { title: hash }, hash.slice(0, 12))),
    ]),
  )
}
