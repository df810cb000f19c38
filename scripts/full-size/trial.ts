/**
 * @file One item embedded with a planted checkpoint, and its vector compared with the one by hand.
 */

import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BifocalError } from '../../src/foundation/numeric/errors.ts'
import { openCheckpoint } from '../../src/models/checkpoint/folder.ts'
import type { TensorLocation } from '../../src/models/checkpoint/header.ts'
import { Embedder } from '../../src/models/embedder/embedder.ts'
import type { WrittenCheckpoint } from './checkpoint.ts'
import { vectorByHand } from './decoder.ts'
import type { Layout } from './layout.ts'
import { type Strength, strengthOf } from './plants.ts'

/** Seconds. */
export interface Span {
  readonly elapsed: number
  /**
   * Of processor time, all threads together: what is left of `elapsed` on a machine that others use
   * too.
   */
  readonly busy: number
}

export interface Measured {
  /** Until every session was open. */
  readonly load: Span
  readonly item: Span
  readonly vector: ArrayLike<number>
}

export interface Compared {
  /** Largest difference of an element of the unit vector from the one by hand. */
  readonly difference: number
  /**
   * The change that leaving a planted tensor out makes, by hand: of the first, a middle and the
   * last one in the files, and those past 4 GiB.
   */
  readonly effects: readonly Effect[]
}

export interface Effect {
  readonly where: 'first' | 'middle' | 'last' | 'past 4 GiB of a file'
  readonly at: TensorLocation
  readonly change: number
}

/** Of elements of the unit vector: rounding of f32 through all layers. */
export const TOLERANCE = 1e-5

/** Opens a planted checkpoint as a user does, and embeds the item. */
export async function measure(
  dir: string,
  { asked }: WrittenCheckpoint,
  threads?: number,
): Promise<Measured> {
  const opening = stopwatch()
  // The folder's name must not choose a published embedder's prompt.
  const embedder = await Embedder.load(dir, { memory: 'low', preset: 'none', threads })
  await embedder.open()
  const load = opening()
  const running = stopwatch()
  const { vectors } = await embedder.embed([asked])
  const item = running()
  await embedder.close()
  return { load, item, vector: vectors.data }
}

/** @returns what tells the time since now */
export function stopwatch(): () => Span {
  const start = performance.now()
  const before = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(before)
    return { elapsed: (performance.now() - start) / 1000, busy: (user + system) / 1e6 }
  }
}

/** @param vector what the model gave for the item */
export async function compare(
  dir: string,
  layout: Layout,
  written: WrittenCheckpoint,
  vector: ArrayLike<number>,
): Promise<Compared> {
  const byHand = (strength: Strength) =>
    vectorByHand(layout.decoder, layout.carriers(written.item, strength), strength)
  const expected = byHand(strengthOf(written.plants))
  const effects = (await telling(dir, written)).map(({ where, at }) => ({
    where,
    at,
    change: largest(expected, byHand(strengthOf(written.plants, [at.name]))),
  }))
  return { difference: largest(expected, vector), effects }
}

function largest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = a.length === b.length ? 0 : Number.POSITIVE_INFINITY
  for (let i = 0; i < a.length; i++) difference = Math.max(difference, Math.abs(a[i]! - b[i]!))
  return difference
}

/** Planted matrices in the order of the files; norms are everywhere. */
async function telling(dir: string, { plants }: WrittenCheckpoint): Promise<Pick<Effect, 'where' | 'at'>[]> {
  const { files, tensors } = await openCheckpoint(dir)
  const planted = [...tensors.values()].filter(
    ({ name, file }) => dirname(file) === dir && isMatrix(plants.get(name)?.at),
  )
  planted.sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.offset - b.offset)
  const [first, middle, last] = [planted[0], planted[Math.floor(planted.length / 2)], planted.at(-1)]
  if (first === undefined || middle === undefined || last === undefined) {
    throw new BifocalError('full-size/plants', {
      message: `${dir} holds nothing planted`,
      hint: 'Write the checkpoint first.',
    })
  }
  const far = planted.filter(({ offset }) => offset > 2 ** 32)
  return [
    { where: 'first', at: first },
    { where: 'middle', at: middle },
    { where: 'last', at: last },
    ...far.map((at) => ({ where: 'past 4 GiB of a file' as const, at })),
  ]
}

function isMatrix(at: readonly number[] | 'all' | undefined): boolean {
  return at !== undefined && at !== 'all'
}

/**
 * The most memory that this process has had resident, bytes: mapped weights that were touched
 * count. Linux only.
 */
export async function peakResident(): Promise<number | undefined> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(status) ?? []
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}
