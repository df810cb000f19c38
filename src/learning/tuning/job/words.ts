/** @file A plan and a result in words, for a terminal. */

import { makeLoss } from '../losses/make.ts'
import type { TuningForecast, TuningPlan } from './plan.ts'
import type { TuningRecord } from './record-form.ts'

type Row = readonly [name: string, words: string]

/** The plan as rows of name and words, then its warnings. */
export function planWords(plan: TuningPlan): string {
  const { model, sources, devPairs, devEvery, updates, epochs, update, forecast, settings } = plan
  const { attention, readout } = plan.reading
  const dims = readout.dims === undefined ? '' : `, ${readout.dims} dims`
  const every = devEvery === 1 ? 'update' : `${devEvery} updates`
  const rows: Row[] = [
    ['model', `${model.name} (${model.family}), ${number(model.parameters)} parameters`],
    ...sources.map((source): Row => ['pairs', sourceWords(source)]),
    ['dev', devPairs === 0 ? 'none' : `${number(devPairs)} pairs, scored every ${every}`],
    ['reading', `attention ${attention}, pool ${readout.pool}, layer ${readout.layer}${dims}`],
    ['updates', `${number(updates)} of ${number(update.pairs)} pairs, ${shown(epochs)} epochs`],
    ['update', updateWords(update)],
    ['trained', trainedWords(plan)],
    ['loss', lossWords(plan)],
    ['optimizer', optimizerWords(plan)],
    ...(forecast === undefined ? [] : [['forecast', forecastWords(forecast, settings.device)] as const]),
  ]
  return [
    ...rows.map(([name, words]) => `${name.padEnd(9)}  ${words}`),
    ...plan.warnings.map(({ message, hint }) => `warning: ${message}\n  hint: ${hint}`),
  ].join('\n')
}

function updateWords({ items, tokens, pictures, chunks }: TuningPlan['update']): string {
  const parts = [`${number(items)} items`, `${number(tokens)} positions`, `${number(pictures)} pictures`]
  const run = chunks <= 1 ? 'one graph a batch' : `${number(chunks)} chunks a batch (GradCache)`
  return [...parts, run].join(', ')
}

function trainedWords({ trained: { parameters, modules } }: TuningPlan): string {
  const kinds = modules.map(
    ({ kind, modules: count, parameters: size }) => `${kind} ${count} × ${number(size / count)}`,
  )
  return `${number(parameters)} parameters: ${kinds.join(', ')}`
}

function forecastWords({ seconds, secondsPerUpdate, bytes }: TuningForecast, device: string): string {
  const update = `${shown(secondsPerUpdate)} s an update`
  return `${inTime(seconds)} (${update}), ${inGigabytes(bytes)} of memory, on ${device}`
}

function sourceWords(source: TuningPlan['sources'][number]): string {
  const { name, train, dev, withPictures, negatives, targets, weight } = source
  return [
    `${name}: ${number(train)} to train${dev === 0 ? '' : `, ${number(dev)} dev`}`,
    `${number(withPictures)} with pictures`,
    targets === 1 ? 'one target' : `${number(targets)} different targets`,
    ...(negatives === 0 ? [] : [`${number(negatives)} hard negatives`]),
    ...(weight === 1 ? [] : [`weight ${weight}`]),
  ].join(', ')
}

function lossWords(plan: TuningPlan): string {
  const { name, symmetric, falseNegatives } = plan.settings.loss
  const parts = [name, `temperature ${temperatureWords(plan)}`, ...(symmetric ? ['symmetric'] : [])]
  return [...parts, `equal targets ${falseNegatives === 'mask' ? 'masked' : 'kept'}`].join(', ')
}

function optimizerWords({ settings: { optimizer, schedule, clip } }: TuningPlan): string {
  const rate = `${optimizer.name} at ${optimizer.learningRate}`
  const form = `${schedule.kind} with warm-up ${schedule.warmup}`
  return [rate, form, clip === null ? 'no clipping' : `clipped to norm ${clip}`].join(', ')
}

/** At the first update, and at the last where it falls. */
function temperatureWords({ settings, updates }: TuningPlan): string {
  const loss = makeLoss(settings.loss)
  const at = (update: number) =>
    shown(loss.temperature({ ...loss.parameters, ...loss.stepInputs(update, updates) }))
  if ('log_scale' in loss.parameters) return `learned, from ${at(0)}`
  return at(0) === at(updates) ? at(0) : `${at(0)} falling to ${at(updates)}`
}

/** The outcome in a few lines. */
export function resultWords({ curve, best, evaluations, ended, skipped, took }: TuningRecord): string {
  const last = curve.at(-1)
  const early = ended === 'early stopping' ? ', stopped early' : ''
  const rows: Row[] = [['updates', `${number(curve.length)} in ${inTime(took.seconds)}${early}`]]
  if (last !== undefined) rows.push(['loss', shown(last.loss)])
  if (best.metric !== 'last')
    rows.push(['dev', `${best.metric} ${shown(best.value)} after update ${best.update}`])
  const [first] = evaluations
  if (first?.update === 0) rows.push(['before', `loss ${shown(first.loss)}, hit@1 ${shown(first.hit1)}`])
  if (skipped.pairs > 0) rows.push(['skipped', `${number(skipped.pairs)} pairs that cannot be read`])
  return rows.map(([name, words]) => `${name.padEnd(9)}  ${words}`).join('\n')
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function shown(value: number): string {
  return String(Number(value.toPrecision(3)))
}

function inGigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e10 ? 1 : 0)} GB`
}

/** @example inTime(4000) // '1 h 7 min' */
function inTime(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 90) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`
}
