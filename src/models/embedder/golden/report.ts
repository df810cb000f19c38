/**
 * @file The report of a verification: for each stage the worst difference as a share of its
 * tolerance, and the first stage that differs.
 */

import type { Tensor } from '../../../foundation/numeric/tensor.ts'

export interface StageReport {
  stage: string
  /** Largest `|got − expected| / tolerance`; above 1 is a miss. */
  worst: number
  /** How many tensors of this stage were compared. */
  compared: number
}

export interface VerifyReport {
  fixture: string
  kind: string
  /** Tensors that the fixture expects. */
  expected: number
  /** Tensors that were compared; fewer than `expected` is a failure. */
  compared: number
  /** In the order of the computation. */
  stages: StageReport[]
  /** The first stage that differs, in the order of the computation. */
  failure?: { case: string; stage: string; detail: string }
}

/** Collects comparisons. Stages are listed in the order in which they first appear. */
export class VerifyRecorder {
  readonly #stages = new Map<string, StageReport>()
  readonly #seen = new Set<string>()
  #failure: VerifyReport['failure']

  /**
   * Compares one tensor with its expectation.
   * @param key the expected tensor's own name: each counts once
   * @param tolerance largest allowed absolute difference
   */
  compare(
    at: { case: string; stage: string; key: string },
    got: Tensor | undefined,
    expected: Tensor,
    tolerance: number,
  ): void {
    this.#seen.add(at.key)
    if (got === undefined || got.dims.join() !== expected.dims.join()) {
      const shape = got === undefined ? 'nothing' : `[${got.dims}]`
      this.#record(at, Number.POSITIVE_INFINITY, `got ${shape}, expected shape [${expected.dims}]`)
      return
    }
    let worst = 0
    let index = 0
    for (let i = 0; i < expected.data.length; i++) {
      const ratio = Math.abs(Number(got.data[i]) - Number(expected.data[i])) / tolerance
      // A NaN is larger than every tolerance, so that it can't pass.
      if (!(ratio <= worst)) {
        worst = Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio
        index = i
      }
    }
    const detail = `element ${index}: got ${got.data[index]}, expected ${expected.data[index]}, tolerance ${tolerance.toPrecision(3)}`
    this.#record(at, worst, detail)
  }

  /**
   * Compares a list of numbers with its expectation, which counts once.
   * @param tolerances one for each number, or one for all
   */
  compareList(
    at: { case: string; stage: string; key: string },
    got: readonly number[],
    expected: readonly number[],
    tolerances: number | readonly number[],
  ): void {
    this.#seen.add(at.key)
    const toleranceOf = (i: number) =>
      typeof tolerances === 'number' ? tolerances : (tolerances[i] ?? Number.NaN)
    let worst = got.length === expected.length ? 0 : Number.POSITIVE_INFINITY
    let detail = `got ${got.length} numbers, expected ${expected.length}`
    for (const [i, wanted] of expected.entries()) {
      const ratio = Math.abs((got[i] ?? Number.NaN) - wanted) / toleranceOf(i)
      if (ratio <= worst) continue
      worst = Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio
      detail = `element ${i}: got ${got[i]}, expected ${wanted}, tolerance ${toleranceOf(i).toPrecision(3)}`
    }
    this.#record(at, worst, detail)
  }

  /** Records a stage that has no numbers to compare, e.g. a prompt or token ids. */
  check(at: { case: string; stage: string; key?: string }, equal: boolean, detail: string): void {
    if (at.key !== undefined) this.#seen.add(at.key)
    this.#record(at, equal ? 0 : Number.POSITIVE_INFINITY, detail)
  }

  /** @param expected names of all tensors that the fixture expects */
  report(fixture: string, kind: string, expected: Iterable<string>): VerifyReport {
    const names = [...expected]
    const left = names.filter((name) => !this.#seen.has(name))
    const stages = [...this.#stages.values()]
    const compared = names.length - left.length
    const uncompared =
      left.length > 0
        ? { case: '', stage: 'coverage', detail: `not compared: ${left.slice(0, 5).join(', ')}` }
        : undefined
    return { fixture, kind, expected: names.length, compared, stages, failure: this.#failure ?? uncompared }
  }

  #record({ case: name, stage }: { case: string; stage: string }, worst: number, detail: string): void {
    const known = this.#stages.get(stage) ?? { stage, worst: 0, compared: 0 }
    this.#stages.set(stage, { stage, worst: Math.max(known.worst, worst), compared: known.compared + 1 })
    if (worst > 1 && this.#failure === undefined) this.#failure = { case: name, stage, detail }
  }
}
