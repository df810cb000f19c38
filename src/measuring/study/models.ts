/** @file The models of a study in its results: every state of each, controls and baselines. */

import { trainedReadouts } from '../../learning/tuning/tunable.ts'
import type { Readout } from '../../models/embedder/readout.ts'
import { maskOf, readoutWords } from '../benchmark/words.ts'
import type { ResultsModel } from '../report/results.ts'
import type { Baseline, Outcome } from './outcome.ts'
import type { MeasuredState } from './state.ts'
import { type Tuning, temperatureSpan } from './tuning.ts'

/** Most points of a loss curve. */
const CURVE = 150

/** Every model state in the order of the report. */
export function modelsOf({ setting, studied, baselines }: Outcome): ResultsModel[] {
  const { steps, batch, train, optimizer, loss } = setting.tuning
  const tuningOf = (
    { lossCurve }: Tuning,
    { readout: chosen, dev }: MeasuredState['choice'],
    readouts: Readonly<Record<string, Readout>>,
  ): ResultsModel['tuning'] => ({
    steps,
    batch: batch.size,
    rank: train.method === 'lora' ? train.rank : null,
    learningRate: optimizer.learningRate,
    temperature: temperatureSpan(loss.temperature),
    lossCurve: thinned(lossCurve),
    devChoices: Object.entries(dev).map(([name, hit1]) => ({
      setting: readoutWords(readouts[name]!),
      hit1,
      chosen: name === chosen,
    })),
  })
  const subjects = studied.flatMap(({ participant, label, role, objective, card }): ResultsModel[] => {
    const { id, subject, hash, parameters, plain, tuned } = participant
    const shared = {
      label,
      role,
      family: subject.model.family,
      objective,
      attention: maskOf(subject),
      parameters,
    }
    const before: ResultsModel = {
      ...shared,
      id,
      state: tuned === undefined ? 'none' : 'untuned',
      hash,
      readout: readoutWords(plain.readout),
      ...(card === undefined ? {} : { card }),
    }
    if (tuned === undefined) return [before]
    return [
      before,
      {
        ...shared,
        id: `${id}-tuned`,
        state: 'tuned',
        of: id,
        hash: tuned.tuning.hash,
        readout: readoutWords(tuned.state.readout),
        tuning: tuningOf(tuned.tuning, tuned.state.choice, trainedReadouts(subject)),
      },
    ]
  })
  const controls = studied.flatMap(({ participant: { subject, parameters }, control }): ResultsModel[] =>
    control === undefined
      ? []
      : [
          {
            id: control.id,
            label: `Random, ${maskOf(subject)}`,
            role: 'random-decoder',
            state: 'tuned',
            family: subject.model.family,
            objective: 'none',
            attention: maskOf(subject),
            hash: control.tuning.hash,
            parameters,
            readout: readoutWords(control.readout),
            tuning: tuningOf(control.tuning, control.choice, trainedReadouts(subject)),
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
      ({ participant: { id, tuned }, label }): ResultsModel => ({
        ...plain,
        id: `${id}-shuffled`,
        label: `${label}, shuffled`,
        role: 'shuffled',
        of: tuned === undefined ? id : `${id}-tuned`,
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
