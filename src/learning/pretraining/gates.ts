/**
 * @file The bars that a tower and two twins must clear before a comparison of them means anything.
 * @see specs/twins.md §4
 */

import { compile } from '../../engine/graph/compile.ts'
import { Graph } from '../../engine/graph/graph.ts'
import { openSession, type SessionOptions } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { SampleKind } from '../../inputs/scenes/sample.ts'
import { openWriter } from './generate.ts'
import { heldOutLosses } from './held-out.ts'
import { openSight } from './sight.ts'
import { openTowerJudge } from './tower-accuracy.ts'
import type { TowerWorld } from './tower-batch.ts'
import { isTower, twinLoss } from './twin-loss.ts'
import { samplesOf, type TwinSamples } from './twin-samples.ts'
import type { Twin } from './twins/twin.ts'

/** A measured figure and what it must reach. */
export interface Gate {
  /** `tower`, or the name of a twin. */
  model: string
  name: string
  value: number
  /** The value must be at least, at most, or above this. */
  bound: number
  bounded: 'at least' | 'at most' | 'above'
  passed: boolean
  /** Read from a card: its model's weights are not there. */
  recorded?: true
  /** Context of the figure: a majority, both losses, an interval. */
  beside?: string
}

export type GateOptions = Pick<SessionOptions, 'threads' | 'thread'> & {
  seed: number
  signal?: AbortSignal
  onProgress?: (progress: { label: string; done: number; total: number }) => void
  /**
   * Samples behind each loss, questions of each type behind each share; the defaults take minutes
   * for both twins.
   */
  samples?: number
  questions?: number
}

type Parameters = Readonly<Record<string, Tensor<'f32'>>>

/** @returns the gate, judged */
export function gate(figure: Omit<Gate, 'passed' | 'recorded'>): Gate {
  const { value, bound, bounded } = figure
  const passed =
    bounded === 'at least' ? value >= bound : bounded === 'at most' ? value <= bound : value > bound
  return { ...figure, passed }
}

/**
 * The models whose comparison the gates are a condition of. What all others reach is stated: a twin
 * sees no more than its pictures tell, and nobody tunes the others down to it.
 */
const COMPARED: readonly string[] = ['tower', 'twin-ar', 'twin-diffusion']

/** The measured gates that must be met. */
export function conditionsAmong(gates: readonly Gate[]): Gate[] {
  return gates.filter(({ model, recorded }) => recorded !== true && COMPARED.includes(model))
}

/** @param parameters of the tower's folder @throws InterruptedError */
export async function towerGates(
  at: TowerWorld,
  parameters: Parameters,
  { seed, signal, ...where }: GateOptions,
): Promise<Gate[]> {
  const judge = await openTowerJudge(at, seed, { threads: where.threads })
  try {
    const { seen, withheld } = await judge.measure(parameters, signal)
    const of = (name: string, value: number, bound: number) =>
      gate({
        model: 'tower',
        name,
        value,
        bound,
        bounded: 'at least',
        beside: `of ${at.world.training.length} labels`,
      })
    return [of('seen drawing named, new rendering', seen, 0.8), of('withheld drawing named', withheld, 0.25)]
  } finally {
    await judge.close()
  }
}

/** @param parameters all of the twin's folder, by canonical name @throws InterruptedError */
export async function twinGates(
  twin: Twin,
  at: TowerWorld,
  parameters: Parameters,
  options: GateOptions,
): Promise<Gate[]> {
  return [
    ...(await lossGates(twin, at, parameters, options)),
    ...(await answerGates(twin, at, parameters, options)),
  ]
}

/**
 * The worth of a picture: loss with another's picture minus loss with its own, in nats per token.
 */
async function lossGates(
  twin: Twin,
  at: TowerWorld,
  parameters: Parameters,
  options: GateOptions,
): Promise<Gate[]> {
  const { seed, samples = 512, signal, onProgress, ...where } = options
  const graph = new Graph()
  graph.output('loss', twinLoss(graph, twin).loss)
  const compiled = compile(graph)
  const session = await openSession(compiled, {
    weights: memoryWeights(parameters),
    name: `${twin.name} loss`,
    threads: where.threads,
    thread: where.thread,
  })
  const fed = Object.fromEntries(Object.entries(parameters).filter(([name]) => !isTower(name)))
  const sight = await openSight(twin, parameters, where)
  try {
    let done = 0
    const measured = async (world: TowerWorld, kind: SampleKind) => {
      onProgress?.({ label: `${twin.name}: losses`, done: done++, total: 3 })
      return await heldOutLosses(session, fed, world, {
        seed,
        objective: twin.objective,
        sight,
        samples,
        kinds: [kind],
        signal,
      })
    }
    const [caption, qa] = [await measured(at, 'caption'), await measured(at, 'qa')]
    // Labels of concepts that no training named: were they better told with their own picture, one
    // would have leaked.
    const label = await measured({ ...at, world: { ...at.world, training: at.world.heldOut } }, 'label')
    const gap = (
      name: string,
      found: Record<string, number>,
      kind: string,
      bound: number,
      bounded: Gate['bounded'],
    ) => {
      const [real, shuffled] = [found[`${kind}_real`]!, found[`${kind}_shuffled`]!]
      const beside = `${real.toFixed(2)} with its own picture, ${shuffled.toFixed(2)} with another's`
      return gate({
        model: twin.name,
        name: `${name} loss, shuffled − real`,
        value: shuffled - real,
        bound,
        bounded,
        beside,
      })
    }
    return [
      gap('caption', caption, 'caption', 1, 'at least'),
      gap('question', qa, 'qa', 1.5, 'at least'),
      gap('held-out concept label', label, 'label', 0.3, 'at most'),
    ]
  } finally {
    await Promise.all([session.close(), sight.close()])
  }
}

/** Questions by their words: the samples carry no type. */
const QUESTIONS: readonly { name: string; asks: RegExp; bar: (majority: number) => number }[] = [
  { name: 'background', asks: /^What colour is the background\?$/, bar: () => 0.95 },
  { name: 'shape colour', asks: /^What colour is the (?!background\?)/, bar: () => 0.6 },
  { name: 'count', asks: /^How many /, bar: (majority) => majority + 0.2 },
]

/** Exact answers, generated or filled in. */
async function answerGates(
  twin: Twin,
  at: TowerWorld,
  parameters: Parameters,
  options: GateOptions,
): Promise<Gate[]> {
  const { seed, questions = 200, onProgress, ...where } = options
  const writer = await openWriter(twin, parameters, where)
  const sets = [
    ...QUESTIONS.map(({ name, asks, bar }) => ({
      name,
      bar,
      drawn: drawnQuestions(at, seed, asks, questions),
    })),
    {
      name: 'single object named',
      bar: () => 0.5,
      drawn: samplesOf(at.world, { kind: 'label', seed, from: 0, count: questions, use: 'test' }),
    },
  ]
  try {
    const gates: Gate[] = []
    for (const { name, bar, drawn } of sets) {
      onProgress?.({ label: `${twin.name}: answers`, done: gates.length, total: sets.length })
      const golds = drawn.samples.map(({ answer }) => answer)
      const answers = await writer.answers(at, drawn, answerLength(at))
      const majority = majorityOf(golds)
      const value = answers.filter((answer, i) => answer === golds[i]).length / golds.length
      gates.push(
        gate({
          model: twin.name,
          name,
          value,
          bound: bar(majority),
          bounded: 'at least',
          beside: `commonest answer ${majority.toFixed(2)}`,
        }),
      )
    }
    onProgress?.({ label: `${twin.name}: answers`, done: sets.length, total: sets.length })
    return gates
  } finally {
    await writer.close()
  }
}

/** The first `count` questions of a kind on reserved contents. */
function drawnQuestions({ world }: TowerWorld, seed: number, asks: RegExp, count: number): TwinSamples {
  const found: TwinSamples['samples'][number][] = []
  for (let from = 0; found.length < count; from++) {
    const [sample] = samplesOf(world, { kind: 'qa', seed, from, count: 1, use: 'test' }).samples
    if (sample !== undefined && asks.test(sample.prompt)) found.push(sample)
  }
  return { samples: found, pictures: found.map(({ description }) => description) }
}

/**
 * Room for an answer: the longest label of the world and an end token. A training batch of
 * questions is filled up to about as many, so masks beyond an answer's end are nothing new.
 */
export function answerLength({ world, tokenizer }: TowerWorld): number {
  return (
    1 +
    Math.max(
      ...world.training.map(({ label }) => tokenizer.encode(label, { addSpecialTokens: false }).length),
    )
  )
}

function majorityOf(answers: readonly string[]): number {
  const counts = new Map<string, number>()
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1)
  return Math.max(...counts.values()) / answers.length
}

/** Gates as cells: whether met, model, name, value, bound, what it stands beside. */
export function gateRows(gates: readonly Gate[]): string[][] {
  return gates.map(({ passed, model, name, value, bound, bounded, beside = '' }) => {
    const sign = { 'at least': '≥', 'at most': '≤', above: '>' }[bounded]
    return [passed ? 'met' : 'MISSED', model, name, value.toFixed(3), `${sign} ${bound.toFixed(3)}`, beside]
  })
}

/** Gates as aligned lines for a terminal. */
export function gateTable(gates: readonly Gate[]): string {
  const rows = gateRows(gates)
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
