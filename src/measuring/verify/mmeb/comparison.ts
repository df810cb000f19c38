/** @file Compares values with those of expected.json, each under its path. */

import { isDeepStrictEqual } from 'node:util'
import type { VerifyRecorder } from '../../../models/embedder/golden/report.ts'

export interface ExpectedPlace {
  /** For messages: a preset and a dataset. */
  readonly case: string
  readonly stage: string
  /** Of the value in expected.json, its keys joined by `/`. */
  readonly path: string
  /** Largest allowed difference of numbers, or that of each row. Default 0. */
  readonly tolerance?: number | ((row: number) => number)
}

export class MmebComparison {
  readonly recorder: VerifyRecorder
  readonly #expected: ReadonlyMap<string, unknown>

  /** @param expected by path */
  constructor(recorder: VerifyRecorder, expected: ReadonlyMap<string, unknown>) {
    this.recorder = recorder
    this.#expected = expected
  }

  /** The value that the fixture expects; undefined where it has none. */
  expected(path: string): unknown {
    return this.#expected.get(path)
  }

  /** The names of the values right below a path. */
  below(path: string): string[] {
    const names = [...this.#expected.keys()].flatMap((key) =>
      key.startsWith(`${path}/`) ? [key.slice(path.length + 1).split('/')[0]!] : [],
    )
    return [...new Set(names)]
  }

  /** Compares a value. A path that the fixture has not is passed over. */
  compare({ case: name, stage, path, tolerance = 0 }: ExpectedPlace, got: unknown): void {
    const wanted = this.#expected.get(path)
    if (!this.#expected.has(path)) return
    const at = { case: name, stage, key: path }
    const allowed = typeof tolerance === 'number' ? () => tolerance : tolerance
    const [own, reference] = [numbersIn(got, allowed), numbersIn(wanted, allowed)]
    if (own === undefined || reference === undefined || reference.numbers.length === 0) {
      const equal = isDeepStrictEqual(got, wanted)
      this.recorder.check(at, equal, `${path}: ${equal ? '' : firstDifference(got, wanted)}`)
    } else if (own.shape !== reference.shape) {
      this.recorder.check(at, false, `${path}: got lists of ${own.shape}, expected of ${reference.shape}`)
    } else {
      // A tolerance of nothing would make every ratio 0/0.
      const least = Number.MIN_VALUE
      this.recorder.compareList(
        at,
        own.numbers,
        reference.numbers,
        reference.tolerances.map((one) => Math.max(one, least)),
      )
    }
  }
}

interface Numbers {
  readonly numbers: number[]
  readonly tolerances: number[]
  /** Lengths of the lists. */
  readonly shape: string
}

/** A number, or lists of numbers; undefined for anything else. */
function numbersIn(value: unknown, allowed: (row: number) => number, row = 0): Numbers | undefined {
  if (typeof value === 'number') return { numbers: [value], tolerances: [allowed(row)], shape: '' }
  if (!Array.isArray(value)) return undefined
  const parts: Numbers[] = []
  for (const [i, part] of value.entries()) {
    const found = numbersIn(part, Array.isArray(part) ? () => allowed(i) : allowed, i)
    if (found === undefined) return undefined
    parts.push(found)
  }
  return {
    numbers: parts.flatMap(({ numbers }) => numbers),
    tolerances: parts.flatMap(({ tolerances }) => tolerances),
    shape: `[${parts.length}${parts.some(({ shape }) => shape !== '') ? `: ${parts.map(({ shape }) => shape).join(' ')}` : ''}]`,
  }
}

function firstDifference(got: unknown, wanted: unknown): string {
  if (Array.isArray(got) && Array.isArray(wanted)) {
    const at = wanted.findIndex((value, i) => !isDeepStrictEqual(value, got[i]))
    if (at >= 0) return `element ${at}: ${difference(got[at], wanted[at])}`
  }
  return difference(got, wanted)
}

function difference(got: unknown, wanted: unknown): string {
  return `got ${JSON.stringify(got) ?? 'nothing'}, expected ${JSON.stringify(wanted)}`
}
