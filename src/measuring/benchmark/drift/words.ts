/** @file A drift in words, for the terminal. */

import type { VerifyReport } from '../../../models/embedder/golden/report.ts'
import type { Drift } from './drift.ts'
import type { NeighbourDrift } from './neighbours.ts'

/** A limit that was asked for, and whether it held. */
export interface DriftGate {
  readonly flag: string
  readonly limit: number
  readonly value: number
  readonly passed: boolean
}

/** Lines for people: a verdict, the figures, the items that moved most. */
export function driftWords(
  drift: Drift,
  stages: VerifyReport | undefined,
  gates: readonly DriftGate[],
): string {
  const { cosine, worst, neighbours, only, items, identical, matchedBy, dim } = drift
  const alone = `; ${only.a} in the first alone, ${only.b} in the second alone`
  const figures = Object.entries({ least: cosine.least, '5 %': cosine.p5, median: cosine.median })
  return [
    `${items} items of ${dim} elements, matched by ${matchedBy}${only.a + only.b > 0 ? alone : ''}`,
    verdict(drift),
    '',
    `cosine      ${figures.map(([name, value]) => `${name} ${shown(value)}`).join('   ')}`,
    `identical   ${identical} of ${items} vectors, to the bit`,
    ...(neighbours === null ? [] : neighbourWords(neighbours, items)),
    ...list(
      'furthest apart',
      worst.map(({ id, label, cosine: value }) => `${shown(value)}  ${named(id, label)}`),
    ),
    ...list('lost their nearest neighbour', neighbours === null ? [] : movedWords(neighbours)),
    ...(stages === undefined ? [] : ['', ...stageWords(stages)]),
    ...gates.map(({ flag, limit, value, passed }) => {
      const found = `${flag} ${limit}, found ${shown(value)}`
      return `${passed ? 'held' : 'MISSED'}: ${found}`
    }),
  ].join('\n')
}

function neighbourWords(
  { k, kept, nearestKept, sampled, searched, medianRank }: NeighbourDrift,
  items: number,
): string[] {
  const drawn = sampled < items ? `; of ${sampled} items that were drawn` : ''
  const interval = `[${percent(kept.low)}, ${percent(kept.high)}]`
  return [
    `neighbours  ${percent(kept.value)} ${interval} of the ${k} nearest are kept${drawn}`,
    `            ${percent(nearestKept)} keep their nearest; ` +
      `in the median it is now number ${medianRank ?? `${searched} or later`}`,
  ]
}

function movedWords({ moved, searched }: NeighbourDrift): string[] {
  return moved.map(({ id, neighbour, rank }) => {
    const place = rank === null ? `behind ${searched}` : `number ${rank}`
    return `${id}: ${neighbour}, nearest before, is now ${place}`
  })
}

function verdict({ identical, items, cosine, neighbours }: Drift): string {
  if (identical === items) return 'the sets are identical'
  const order =
    neighbours === null
      ? ''
      : neighbours.kept.value === 1
        ? ', and no neighbour changes'
        : `, and ${percent(1 - neighbours.kept.value)} of neighbours change`
  // The last bits of f32 sums depend on their order: see docs/embedding.md.
  const word = cosine.least > 1 - 1e-6 ? 'are equal up to rounding' : 'differ'
  return `the sets ${word}: the least cosine is ${shown(cosine.least)}${order}`
}

function stageWords({ stages, failure }: VerifyReport): string[] {
  const width = Math.max(...stages.map(({ stage }) => stage.length))
  const verdict =
    failure === undefined
      ? `no stage differs, of ${stages.length}`
      : `the first stage that differs is ${failure.stage} of ${failure.case}: ${failure.detail}`
  const lines = stages
    .filter(({ worst }) => worst > 1)
    .map(({ stage, worst }) => {
      const size = Number.isFinite(worst) ? `${worst.toPrecision(3)} × its tolerance` : 'differs'
      return `  ${stage.padEnd(width)}  ${size}`
    })
  return [`golden items: ${verdict}`, ...lines]
}

function list(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)]
}

function named(id: string, label: string | undefined): string {
  return label === undefined ? id : `${id}  ${label.length > 60 ? `${label.slice(0, 59)}…` : label}`
}

/** Four decimals; nearer to 1, its distance from 1. */
function shown(cosine: number): string {
  const rest = 1 - cosine
  if (rest <= 0) return '1'
  return rest < 1e-3 ? `1 − ${rest.toExponential(1)}` : cosine.toFixed(4)
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`
