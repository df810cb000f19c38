/**
 * @file From what was measured to the results: every list in a fixed order, so that the same
 * numbers give the same bytes.
 */

import type { BootstrapOptions } from '../../foundation/numeric/bootstrap.ts'
import type { Conversion } from '../../learning/tuning/convert.ts'
import { TUNED_POOLS } from '../../learning/tuning/decoder.ts'
import type { ModelScores } from '../benchmark/evaluate.ts'
import { metricLabels } from '../benchmark/metrics.ts'
import {
  apartScore,
  differenceOver,
  meanOver,
  type Scope,
  scopesOf,
  summariseTask,
} from '../benchmark/summary.ts'
import { majorityOf } from '../benchmark/task.ts'
import { percent } from '../report/format.ts'
import { RESULTS_VERSION, type Results, type ResultsModel } from '../report/results.ts'
import { type AnalysisOptions, alignmentOf, mapsOf, measuresOf } from './alignment.ts'
import { criteriaOf } from './criteria.ts'
import { failuresOf } from './failures.ts'
import { findingOf } from './finding.ts'
import { controlId, readoutWords } from './names.ts'
import {
  allScores,
  type Baseline,
  candidatesOf,
  comparedPair,
  type Outcome,
  type Studied,
} from './outcome.ts'
import type { PoolChoice } from './state.ts'
import { Thumbnails } from './thumbnails.ts'

/** Most points of a loss curve. */
const CURVE = 150

/** Computes figures, analysis, maps and words. */
export async function assemble(outcome: Outcome, analysis: AnalysisOptions): Promise<Results> {
  const { setting, world } = outcome
  const options: BootstrapOptions = { seed: setting.seed, resamples: setting.resamples }
  const scores = allScores(outcome)
  const scopes = scopesOf(world.tasks)
  const thumbnails = new Thumbnails()
  for (const { image } of world.pairs) for (const picture of image.image ?? []) thumbnails.indexOf(picture)
  const alignment = await alignmentOf(outcome, analysis)
  const measures = measuresOf()
  const failures = failuresOf(outcome, thumbnails)
  return {
    schemaVersion: RESULTS_VERSION,
    title: titleOf(outcome),
    seed: setting.seed,
    command: setting.command,
    plan: setting.name,
    world: world.name,
    models: modelsOf(outcome),
    tasks: world.tasks.map((task) => ({
      name: task.name,
      metaTask: task.metaTask,
      rung: task.rung,
      reason: task.reason,
      queries: task.test.length,
      candidates: candidatesOf(task),
      chance: task.chance,
      majority: majorityOf(task),
      instruction: task.test[0]?.query.instruction,
    })),
    metrics: metricLabels(),
    scores: scores.flatMap(({ model, tasks }) =>
      tasks.map((task) => ({ model, ...summariseTask(task, options) })),
    ),
    means: scores.flatMap((each) =>
      scopes.flatMap((scope) => {
        const hit1 = meanOver(each, scope, world.tasks, options)
        return hit1 === undefined ? [] : [{ model: each.model, scope, hit1 }]
      }),
    ),
    differences: differencesOf(outcome, scopes, options),
    measures,
    alignment,
    maps: mapsOf(outcome, setting.seed),
    thumbnails: await thumbnails.encode(),
    failures,
    finding: findingOf(outcome, { alignment, measures }, options),
    criteria: criteriaOf(outcome, options),
    notes: notesOf(outcome, options),
    credits: CREDITS,
  }
}

function titleOf(outcome: Outcome): string {
  const pair = comparedPair(outcome)
  const names = pair === undefined ? [outcome.studied[0]!.label] : pair.map(({ label }) => label)
  return `${names.join(' and ')} as embedding ${names.length === 1 ? 'model' : 'models'}`
}

function modelsOf({ setting, studied, baselines }: Outcome): ResultsModel[] {
  const tuningOf = (conversion: Conversion, { pool, dev }: PoolChoice): ResultsModel['tuning'] => ({
    steps: setting.conversion.steps,
    batch: setting.conversion.batch,
    rank: setting.conversion.part.tune === 'lora' ? setting.conversion.part.rank : null,
    learningRate: setting.conversion.learningRates.muon,
    temperature: { start: setting.conversion.temperature.start, end: setting.conversion.temperature.end },
    lossCurve: thinned(conversion.lossCurve),
    devChoices: TUNED_POOLS.map((each) => ({
      setting: readoutWords(each),
      hit1: dev[each],
      chosen: each === pool,
    })),
  })
  const subjects = studied.flatMap(
    ({
      participant: { id, subject, untuned, tuned, conversion },
      label,
      role,
      objective,
      card,
    }): ResultsModel[] => {
      const shared = {
        label,
        role,
        family: subject.model.family,
        objective,
        attention: subject.attention,
        parameters: subject.parameters,
      }
      return [
        {
          ...shared,
          id,
          state: 'untuned',
          hash: subject.hash,
          readout: readoutWords(untuned.choice.pool),
          ...(card === undefined ? {} : { card }),
        },
        {
          ...shared,
          id: `${id}-tuned`,
          state: 'tuned',
          of: id,
          hash: conversion.hash,
          readout: readoutWords(tuned.choice.pool),
          tuning: tuningOf(conversion, tuned.choice),
        },
      ]
    },
  )
  const controls = studied.flatMap(({ participant, control }): ResultsModel[] =>
    control === undefined
      ? []
      : [
          {
            id: controlId(participant),
            label: `Random, ${control.subject.attention}`,
            role: 'random-decoder',
            state: 'tuned',
            family: control.subject.model.family,
            objective: 'none',
            attention: control.subject.attention,
            hash: control.conversion.hash,
            parameters: control.subject.parameters,
            readout: readoutWords(control.tuned.choice.pool),
            tuning: tuningOf(control.conversion, control.tuned.choice),
          },
        ],
  )
  const plain = {
    state: 'none',
    family: null,
    objective: 'none',
    attention: 'none',
    hash: null,
    parameters: null,
  } as const
  return [
    ...subjects,
    ...controls,
    ...baselines.map(baselineModel),
    ...studied.map(
      ({ participant: { id }, label }): ResultsModel => ({
        ...plain,
        id: `${id}-shuffled`,
        label: `${label}, shuffled`,
        role: 'shuffled',
        of: `${id}-tuned`,
      }),
    ),
    { ...plain, id: 'majority', label: 'Majority', role: 'majority' },
    { ...plain, id: 'chance', label: 'Chance', role: 'chance' },
  ]
}

function baselineModel({ id, label, role, family, hash, parameters }: Baseline): ResultsModel {
  const isModel = role === 'dual-encoder'
  return {
    id,
    label,
    role,
    state: 'none',
    family,
    objective: isModel ? 'contrastive' : 'none',
    attention: isModel ? 'bidirectional' : 'none',
    hash,
    parameters,
  }
}

/** Every so many-th step, and the last. */
function thinned(curve: readonly [number, number][]): [number, number][] {
  const every = Math.max(1, Math.ceil(curve.length / CURVE))
  return curve.filter((_, i) => (curve.length - 1 - i) % every === 0)
}

/**
 * The compared pair at every scope, then tuned − untuned, tuned − control and tuned − dual encoder
 * at the wider ones.
 */
function differencesOf(
  outcome: Outcome,
  scopes: readonly Scope[],
  options: BootstrapOptions,
): Results['differences'] {
  const { world, studied, baselines } = outcome
  const tasks: Scope[] = world.tasks.map(({ name }) => ({ kind: 'task', task: name }))
  const wide = scopes.filter(({ kind }) => kind !== 'rung')
  const between = (a: ModelScores, b: ModelScores, over: readonly Scope[]) =>
    over.flatMap((scope) => {
      const interval = differenceOver(a, b, scope, world.tasks, options)
      return interval === undefined ? [] : [{ a: a.model, b: b.model, scope, interval }]
    })
  const pair = comparedPair(outcome)
  const dual = baselines.find(({ role }) => role === 'dual-encoder')
  const tuned = ({ participant }: Studied) => participant.tuned.scores
  return [
    ...(pair === undefined ? [] : between(tuned(pair[0]), tuned(pair[1]), [...scopes, ...tasks])),
    ...(pair === undefined
      ? []
      : between(pair[0].participant.untuned.scores, pair[1].participant.untuned.scores, wide)),
    ...studied.flatMap((each) => between(tuned(each), each.participant.untuned.scores, wide)),
    ...studied.flatMap((each) =>
      each.control === undefined ? [] : between(tuned(each), each.control.tuned.scores, [...wide, ...tasks]),
    ),
    ...studied.flatMap((each) => (dual === undefined ? [] : between(tuned(each), dual.scores, wide))),
  ]
}

function notesOf({ setting, studied, world, baselines }: Outcome, options: BootstrapOptions): string[] {
  const apart = studied.flatMap(({ participant, label }) =>
    participant.tuned.scores.tasks.flatMap((scores) => {
      const interval = world.tasks.some(({ name, metaTask }) => name === scores.task && metaTask === 'vqa')
        ? apartScore(scores, options)
        : undefined
      if (interval === undefined) return []
      return [
        `${scores.task}, the right answer against the picture's other one (a coin gives 50 %): ${label} ${percent(interval.value)} % (95 %: ${percent(interval.low)} % to ${percent(interval.high)} %).`,
      ]
    }),
  )
  const pools = studied.map(({ participant: { untuned, tuned }, label }) => {
    const said = ({ byPool }: typeof untuned) =>
      `mean pooling ${percent(byPool.mean)} %, last token ${percent(byPool.last)} %`
    return `${label}, mean test hit@1 by pooling: untuned ${said(untuned)}; converted ${said(tuned)}. Which one stands in the tables was chosen on dev rows.`
  })
  const controls = setting.controls
    ? 'Random-decoder control: the same tower and projector, every weight of the decoder drawn at random, then the same conversion.'
    : 'The random-decoder control was not run here: see `npm run gates` or `bifocal study --plan full`.'
  return [
    ...pools,
    ...apart,
    controls,
    'Shuffled pictures: each query keeps its words and gets the picture of another query; where only candidates have pictures, those change places.',
    ...(baselines.some(({ role }) => role === 'pixels')
      ? [
          'Raw pixels (16 × 16, centred) are scored where query and candidates are pictures; words are not looked at.',
        ]
      : []),
    ...(baselines.some(({ role }) => role === 'dual-encoder')
      ? [
          'Dual encoder: one vector a tower, summed where an item has picture and words; of an instruction it reads what follows the colon.',
        ]
      : []),
    'Alignment is measured on scenes and objects of contents that no training shows; its curves by layer use mean pooling before the final norm.',
    `Means are over tasks, not rows; intervals (95 %, ${setting.resamples} resamples) draw rows that share a thing together. Differences are paired.`,
  ]
}

const CREDITS = [
  'Pictures: Noto Emoji (Apache-2.0, Google), Twemoji (CC-BY 4.0, Twitter and contributors), OpenMoji (CC-BY-SA 4.0), Fluent Emoji (MIT, Microsoft), EmojiOne 2.3 (CC-BY 4.0), Noto Emoji 1 (Apache-2.0, Google); rasterised and composed into scenes. Words: emojibase (MIT), Unicode CLDR.',
]
