/**
 * @file The candidates of every row of a batch: their cosines to it, and which of them may not
 * count as wrong answers.
 *
 * A rule compares a number of the row with a number of the candidate, so that blocks of candidates
 * of different kinds (targets, hard negatives, other queries) are one matrix product, and an empty
 * block needs no case of its own.
 */

import { add, and, cast, equal, less, mul, not, sub } from '../../../engine/graph/elementwise.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import { gather, iota } from '../../../engine/graph/indexing.ts'
import { matMul } from '../../../engine/graph/matmul.ts'
import { reduceSum } from '../../../engine/graph/reduction.ts'
import { concat, expand, reshape, swapLast } from '../../../engine/graph/shaping.ts'
import { i64 } from '../../../foundation/numeric/tensor.ts'
import { TuningError } from '../errors.ts'
import type { BatchVectors, Bool, F32, I64, TeacherScores } from './loss.ts'
import type { MaskSettings, TeacherMargin } from './settings.ts'

/** Candidates of one kind. Absent numbers are −1, which equals nothing. */
interface Block {
  /** `[k, dim]` */
  vectors: F32
  /** `[k]` group as an answer: leaves rows whose own answer is of the same group. */
  right?: I64
  /** `[k]` group as a question: leaves rows that ask the same. */
  asked?: I64
  /** `[k]` the row that it leaves. */
  leaves?: I64
  /** `[k]` the only row that it stays with. */
  staysWith?: I64
}

/** Rows of a batch against candidates. */
export interface Scored {
  /** `[pairs, candidates]` */
  cosines: F32
  /** `[pairs, candidates]` candidates that count neither way, never a row's own answer. */
  barred: readonly Bool[]
}

/** Queries against their targets, the first candidates, then hard negatives, then other queries. */
export function queriesToTargets(vectors: BatchVectors, settings: MaskSettings, queryQuery = false): Scored {
  const { queries, targets, targetGroups } = vectors
  const blocks = [{ vectors: targets, right: targetGroups }, ...hardNegatives(vectors, settings)]
  return score(vectors, queries, queryQuery ? [...blocks, otherQueries(vectors)] : blocks, settings)
}

/** Targets against their queries, then other targets. */
export function targetsToQueries(
  vectors: BatchVectors,
  settings: MaskSettings,
  targetTarget = false,
): Scored {
  const { queries, targets, targetGroups } = vectors
  const more = targetTarget ? [otherTargets(vectors)] : []
  return score(vectors, targets, [{ vectors: queries, right: targetGroups }, ...more], settings)
}

/** Targets against other targets: further candidates of their queries. */
export function targetsToTargets(vectors: BatchVectors, settings: MaskSettings): Scored {
  return score(vectors, vectors.targets, [otherTargets(vectors)], settings, false)
}

/** `[pairs, candidates]`: whether a candidate is the row's own answer, the one at its own index. */
export function isOwn(cosines: F32): Bool {
  const { graph } = cosines
  return equal(column(iota(graph, cosines.dims[0]!)), row(iota(graph, cosines.dims[1]!)))
}

/** @throws TuningError `tuning/loss` when a rule needs numbers that are absent */
function hardNegatives(
  { negatives, negativeGroups, negativeOwner, teacher }: BatchVectors,
  settings: MaskSettings,
): Block[] {
  if (negatives === undefined) return []
  const margin = settings.margin?.teacher ?? null
  return [
    {
      vectors: negatives,
      right: negativeGroups,
      leaves:
        margin === null
          ? undefined
          : pairsOfTooGood(
              needed(negativeOwner, 'negativeOwner'),
              needed(teacher, "a teacher's scores"),
              margin,
            ),
      staysWith: settings.negatives === 'own' ? needed(negativeOwner, 'negativeOwner') : undefined,
    },
  ]
}

function otherQueries({ graph, queries, queryGroups, targetGroups }: BatchVectors): Block {
  return { vectors: queries, right: targetGroups, asked: queryGroups, leaves: iota(graph, queries.dims[0]!) }
}

function otherTargets({ graph, targets, targetGroups }: BatchVectors): Block {
  return { vectors: targets, right: targetGroups, leaves: iota(graph, targets.dims[0]!) }
}

function score(
  { graph, queries, targets, queryGroups, targetGroups }: BatchVectors,
  rows: F32,
  blocks: readonly Block[],
  { falseNegatives, margin }: MaskSettings,
  ownFirst = true,
): Scored {
  const cosines = matMul(rows, swapLast(joined(blocks.map(({ vectors }) => vectors))))
  const own = isOwn(cosines)
  const spared = (bar: Bool) => (ownFirst ? and(bar, not(own)) : bar)
  const numbers = (key: 'right' | 'asked' | 'leaves' | 'staysWith'): I64[] =>
    blocks.some((block) => block[key] !== undefined)
      ? [joined(blocks.map((block) => block[key] ?? noNumbers(block.vectors)))]
      : []
  const rowGroups = { right: targetGroups ?? noNumbers(rows), asked: queryGroups ?? noNumbers(rows) }
  const places = iota(graph, rows.dims[0]!)
  const masked = falseNegatives === 'mask'
  return {
    cosines,
    barred: [
      ...(masked ? numbers('right').map((right) => spared(same(rowGroups.right, right))) : []),
      ...(masked ? numbers('asked').map((asked) => same(rowGroups.asked, asked)) : []),
      ...numbers('leaves').map((leaves) => same(places, leaves)),
      ...numbers('staysWith').map((owner) => others(places, owner)),
      ...(margin === null || margin.own === null
        ? []
        : [spared(less(add(reduceSum(mul(queries, targets), [1], true), margin.own), cosines))]),
    ],
  }
}

/** `[negatives]`: the pair of a hard negative that a teacher finds too good, else −1. */
function pairsOfTooGood(owner: I64, teacher: TeacherScores, margin: TeacherMargin): I64 {
  const threshold =
    typeof margin === 'number' ? sub(teacher.targets, margin) : mul(teacher.targets, margin.share)
  const tooGood = less(gather(threshold, owner), teacher.negatives)
  return sub(mul(add(owner, 1), cast(tooGood, 'i64')), 1)
}

function needed<T>(value: T | undefined, name: string): T {
  if (value !== undefined) return value
  throw new TuningError('loss', {
    message: `the settings of the loss need ${name}, and the batch has none`,
    hint: "Give pairs with a teacher's scores, or leave the margin against them out.",
  })
}

/** `[n, m]`: rows and candidates of the same number, −1 excepted. */
function same(rows: I64, candidates: I64): Bool {
  return and(equal(column(rows), row(candidates)), not(less(row(candidates), 0)))
}

/** `[n, m]`: candidates that have a number, and another one than the row. */
function others(rows: I64, candidates: I64): Bool {
  return and(not(equal(column(rows), row(candidates))), not(less(row(candidates), 0)))
}

const column = (x: I64): I64 => reshape(x, [x.dims[0]!, 1])
const row = (x: I64): I64 => reshape(x, [1, x.dims[0]!])

function joined<T extends 'f32' | 'i64'>(parts: readonly Value<T>[]): Value<T> {
  return parts.length === 1 ? parts[0]! : concat(parts, 0)
}

function noNumbers({ graph, dims }: F32): I64 {
  return expand(graph.constant(i64([1], [-1])), [dims[0]!])
}
