/** @file The page of a tuning: its record, drawn. */

import type { TuningRecord } from '../../../learning/tuning/job/record-form.ts'
import { duration, percent, points } from '../format.ts'
import { h } from './element.ts'
import { curves } from './record-curves.ts'
import { dataTables, settingsTable, trainedTable } from './record-tables.ts'
import { worstPairs } from './record-worst.ts'

export function recordPage(record: TuningRecord): HTMLElement {
  const sections = [
    curves(record),
    worstPairs(record),
    dataTables(record),
    trainedTable(record),
    settingsTable(record),
  ]
  const parts = sections.filter((part) => part !== null)
  const titles: Readonly<Record<string, string>> = {
    curves: 'Curves',
    worst: 'Worst dev pairs',
    data: 'Data',
    trained: 'Trained parameters',
    settings: 'Settings',
  }
  return h(
    'div',
    { class: 'page' },
    h(
      'header',
      {},
      h('p', { class: 'eyebrow' }, 'bifocal · tuning'),
      h('h1', {}, record.model.name),
      h('p', { class: 'byline' }, byline(record)),
      h(
        'div',
        { class: 'provenance' },
        h('div', { class: 'command' }, h('span', {}, 'Reproduce with'), h('code', {}, record.command)),
      ),
      outcome(record),
      h(
        'nav',
        { 'aria-label': 'Parts of this report' },
        ...parts.map(({ id }) => h('a', { href: `#${id}` }, titles[id] ?? id)),
      ),
    ),
    h('main', {}, ...parts),
    footer(record),
  )
}

function byline({ data, curve, took }: TuningRecord): string {
  const pairs = data.reduce((sum, { train }) => sum + train, 0)
  const sources = data.length === 1 ? '' : ` of ${data.length} sources`
  return (
    `${pairs.toLocaleString('en')} pairs${sources}, ${curve.length.toLocaleString('en')} updates, ` +
    took.finishedAt.slice(0, 10)
  )
}

/** The outcome in a sentence, and which values were written. */
function outcome({ evaluations, best, ended, curve }: TuningRecord): HTMLElement {
  const first = evaluations[0]
  const kept = evaluations.find(({ update }) => update === best.update)
  const last = curve.at(-1)
  const sentence =
    first !== undefined && kept !== undefined && kept !== first
      ? `hit@1 on dev pairs went from ${percent(first.hit1)} % ${first.update === 0 ? 'before tuning' : `after update ${first.update}`} to ${percent(kept.hit1)} % ` +
        `(${points(kept.hit1 - first.hit1)} points), their loss from ${first.loss.toFixed(3)} to ${kept.loss.toFixed(3)}.`
      : kept !== undefined
        ? `${kept.update === 0 ? 'The model as it came' : `The first evaluation, after update ${kept.update},`} is the best on dev pairs: hit@1 ${percent(kept.hit1)} %, loss ${kept.loss.toFixed(3)}.`
        : curve.length > 1
          ? `The loss went from ${curve[0]!.loss.toFixed(3)} to ${last!.loss.toFixed(3)} on training batches. No dev pairs say how well the model embeds others.`
          : 'No update was made.'
  const written =
    best.metric === 'last'
      ? `Written are the values after the last update, ${best.update}.`
      : `Written are the values after update ${best.update}, the best on dev pairs by ${best.metric}.`
  return h(
    'div',
    { class: 'finding' },
    h('p', { class: 'sentence' }, sentence),
    h(
      'p',
      { class: 'quantity' },
      `${written} Training ended ${ended === 'all updates' ? 'with its last update' : `early, after update ${last?.update ?? 0}: the dev score did not improve any more`}.`,
    ),
  )
}

function footer({ took, machine, version, model }: TuningRecord): HTMLElement {
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`
  const time = took.foretoldSeconds === undefined ? '' : ` (foretold: ${duration(took.foretoldSeconds)})`
  const memory = took.foretoldBytes === undefined ? '' : ` (foretold: ${gib(took.foretoldBytes)})`
  const resumed =
    took.resumedAt.length === 0
      ? ''
      : ` It was stopped and resumed ${took.resumedAt.length === 1 ? 'once' : `${took.resumedAt.length} times`}, after update ${took.resumedAt.join(', ')}.`
  return h(
    'footer',
    {},
    h(
      'p',
      {},
      `Trained in ${duration(took.seconds)}${time} with ${gib(took.peakBytes)} of memory${memory} on ${machine.cpu} ` +
        `(${machine.cores} cores, ${machine.device}, ${machine.threads} threads, ${machine.platform}).${resumed}`,
    ),
    h(
      'p',
      {},
      `bifocal ${version}. Base model: ${model.family}, ${model.parameters.toLocaleString('en')} parameters, sha256 ${model.sha256.slice(0, 16)}….`,
    ),
    h('p', {}, 'All numbers: tuning.json beside this page.'),
  )
}
