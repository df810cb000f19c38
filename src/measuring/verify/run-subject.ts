/** @file The subject of a verification of a whole training, and comparisons of lists. */

import { basename } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Device } from '../../engine/runtime/devices.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import type { TunableModel } from '../../learning/tuning/tunable.ts'
import type { Adapter } from '../../models/checkpoint/adapter.ts'
import type { VerifyRecorder } from '../../models/embedder/golden/report.ts'
import type { RunFixture } from './run-fixture.ts'

/** Given to every comparison. */
export interface RunSubject {
  readonly dir: string
  readonly fixture: RunFixture
  readonly expected: ReadonlyMap<string, Tensor>
  /** The reference's adapters by the end of their folder's name: `0`, an update, `best`. */
  readonly adapters: ReadonlyMap<string, Adapter>
  readonly model: TunableModel
  readonly items: readonly KeyedItem[]
  readonly device: Device
  readonly recorder: VerifyRecorder
  /** Names of all expectations. */
  readonly keys: Set<string>
}

export function compareNumbers(
  { recorder, keys, dir }: RunSubject,
  name: string,
  got: readonly number[],
  wanted: readonly number[],
  tolerance: number | readonly number[],
): void {
  keys.add(name)
  recorder.compareList({ case: basename(dir), stage: name, key: name }, got, wanted, tolerance)
}

export function compareJson(
  { recorder, keys, dir }: RunSubject,
  name: string,
  got: unknown,
  wanted: unknown,
): void {
  keys.add(name)
  recorder.check(
    { case: basename(dir), stage: name, key: name },
    isDeepStrictEqual(got, wanted),
    `got ${JSON.stringify(got)}, expected ${JSON.stringify(wanted)}`,
  )
}
