/**
 * @file Properties that a small probe reads from a picture model's features: what they still tell
 * of a picture, beside what the same probe reads from the pixels.
 * @see specs/twins.md §5
 */

import { below, type Random, stream } from '../../foundation/numeric/random.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import { COLOURS } from '../../inputs/scenes/colours.ts'
import { TRAINING_STYLES } from '../../inputs/scenes/concepts.ts'
import { type Description, describe, place, type SceneKind, single } from '../../inputs/scenes/scene.ts'
import type { GateOptions } from './gates.ts'
import { codePixels } from './image-tokenizer/batch.ts'
import { probe } from './image-tokenizer/probe.ts'
import { CODE_PICTURE } from './image-tokenizer/shape.ts'
import type { TowerWorld } from './tower-batch.ts'

/** Drawings behind a probe, and drawings that it reads. */
const TRAINING = 8_000
const READ = 1_000
const BATCH = 100

/** The features of a picture model. */
export interface PictureFeatures {
  /** Name of the model. */
  readonly model: string
  /** Numbers of a picture. */
  readonly width: number
  /** `[pictures, width]` flat. @throws InterruptedError */
  of(pictures: readonly Description[], signal?: AbortSignal): Promise<Float32Array>
}

/** Shares of drawings read right: from the model's features, from pixels. */
export interface Reading {
  readonly features: number
  readonly pixels: number
}

export interface Readings {
  readonly background: Reading
  readonly silhouette: Reading
  /** New renderings of drawings that a training showed, and drawings that none showed. */
  readonly label: Reading
  readonly withheld: Reading
}

/** @throws InterruptedError */
export async function readingsOf(
  at: TowerWorld,
  features: PictureFeatures,
  options: Pick<GateOptions, 'seed' | 'threads' | 'signal' | 'onProgress'>,
): Promise<Readings> {
  const { background, silhouette, label, withheld } = propertiesOf(at)
  let done = 0
  const read = async (name: string, property: Property, more: readonly Property[] = []) => {
    options.onProgress?.({ label: `${features.model}: ${name}`, done: done++, total: 3 })
    return await readings({ at, features, ...options }, property, more)
  }
  const [ground] = await read('background', background)
  const [tint] = await read('silhouette', silhouette)
  const [named, unseen] = await read('label', label, [withheld])
  return { background: ground!, silhouette: tint!, label: named!, withheld: unseen! }
}

/** A property that a probe reads. */
interface Property {
  readonly classes: number
  draw(random: Random, use: 'train' | 'test'): { description: Description; own: number }
}

function propertiesOf({ world }: TowerWorld): Record<keyof Readings, Property> {
  const scene = (kind: SceneKind, classes: number, own: (description: Description) => number): Property => ({
    classes,
    draw: (random, use) => {
      const description = describe(world, random, { use, kind })
      return { description, own: own(description) }
    },
  })
  const drawing = (styleOf: (withheld: number, random: Random) => number): Property => ({
    classes: world.training.length,
    draw: (random) => {
      const own = below(world.training.length, random)
      const { index, withheld } = world.training[own]!
      const content = single(index, styleOf(withheld, random), below(COLOURS.length, random))
      return { description: place(content, random), own }
    },
  })
  return {
    background: scene('mixed', COLOURS.length, ({ background }) => background),
    silhouette: scene('tinted', COLOURS.length, ({ parts }) => parts[0]!.colour!),
    label: drawing(
      (withheld, random) => (withheld + 1 + below(TRAINING_STYLES - 1, random)) % TRAINING_STYLES,
    ),
    withheld: drawing((withheld) => withheld),
  }
}

/** Drawings as features `[n, width]` and as pixels `[n, 3 · side · side]`. */
interface Rows {
  features: Tensor<'f32'>
  pixels: Tensor<'f32'>
  classes: number[]
}

interface Reader extends Pick<GateOptions, 'seed' | 'threads' | 'signal'> {
  at: TowerWorld
  features: PictureFeatures
}

/** The readings of new drawings, then of `more`. */
async function readings(reader: Reader, property: Property, more: readonly Property[]): Promise<Reading[]> {
  const { seed, threads, signal } = reader
  const { classes } = property
  const training = await rowsOf(reader, property, TRAINING, 'train')
  const tests: Rows[] = []
  for (const tested of [property, ...more]) tests.push(await rowsOf(reader, tested, READ, 'test'))
  const shares = async (kind: 'features' | 'pixels') =>
    await probe(
      { features: training[kind], classes: training.classes },
      tests.map((test) => ({ features: test[kind], classes: test.classes })),
      { classes, seed, threads, signal },
    )
  const [own, pixels] = [await shares('features'), await shares('pixels')]
  return own.map((share, i) => ({ features: share, pixels: pixels[i]! }))
}

async function rowsOf(
  { at, features, seed, signal }: Reader,
  { draw }: Property,
  count: number,
  use: 'train' | 'test',
): Promise<Rows> {
  const random = stream(seed, 'image-tokenizer-gates', use)
  const { width } = features
  const pixelWidth = 3 * CODE_PICTURE * CODE_PICTURE
  const own = new Float32Array(count * width)
  const pixels = new Float32Array(count * pixelWidth)
  const classes: number[] = []
  for (let from = 0; from < count; from += BATCH) {
    const drawn = Array.from({ length: BATCH }, () => draw(random, use))
    classes.push(...drawn.map((one) => one.own))
    const pictures = drawn.map(({ description }) => description)
    pixels.set(codePixels(pictures, at.sheets).data, from * pixelWidth)
    own.set(await features.of(pictures, signal), from * width)
  }
  return { features: f32([count, width], own), pixels: f32([count, pixelWidth], pixels), classes }
}
