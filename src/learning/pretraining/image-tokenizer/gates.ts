/**
 * @file The bars of an image tokenizer: what its codes still tell of a picture, beside what the
 * same probe reads from the pixels.
 * @see specs/twins.md §5
 */

import { below, type Random, stream } from '../../../foundation/numeric/random.ts'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { COLOURS } from '../../../inputs/scenes/colours.ts'
import { TRAINING_STYLES } from '../../../inputs/scenes/concepts.ts'
import { type Description, describe, place, type SceneKind, single } from '../../../inputs/scenes/scene.ts'
import { signsOf } from '../../../models/families/mmada/image-tokenizer.ts'
import { type Gate, type GateOptions, gate } from '../gates.ts'
import type { TowerWorld } from '../tower-batch.ts'
import { codePixels } from './batch.ts'
import { type CodeJudge, openCodeJudge } from './judge.ts'
import { probe } from './probe.ts'
import { CODE_PICTURE, CODE_STACK, CODES } from './shape.ts'

type Parameters = Readonly<Record<string, Tensor<'f32'>>>

/** Drawings behind a probe, and drawings that it reads. */
const TRAINING = 8_000
const READ = 1_000
const BATCH = 100

/** A property that a probe reads. */
interface Property {
  readonly classes: number
  draw(random: Random, use: 'train' | 'test'): { description: Description; own: number }
}

/** @throws InterruptedError */
export async function imageTokenizerGates(
  at: TowerWorld,
  parameters: Parameters,
  { seed, threads, signal, onProgress }: GateOptions,
): Promise<Gate[]> {
  const judge = await openCodeJudge(at, seed, { threads })
  try {
    const { psnr, perplexity, used } = await judge.measure(parameters, signal)
    const beside = `${psnr.toFixed(1)} dB, ${used} of ${2 ** CODE_STACK.bits} codes used, perplexity ${perplexity.toFixed(0)}`
    const [background, silhouette, label, withheld] = propertiesOf(at)
    let done = 0
    const read = async (property: Property, name: string, more: readonly Property[] = []) => {
      onProgress?.({ label: `image-tokenizer: ${name}`, done: done++, total: 3 })
      return await readings({ at, judge, parameters, seed, threads, signal }, property, more)
    }
    const [ground, tint, named] = [
      await read(background!, 'background'),
      await read(silhouette!, 'silhouette'),
      await read(label!, 'label', [withheld!]),
    ]
    const of = (name: string, [codes, pixels]: readonly number[], bound: number, more = '') =>
      gate({
        model: 'image-tokenizer',
        name,
        value: codes!,
        bound,
        bounded: 'at least',
        beside: `${(100 * pixels!).toFixed(1)} % from pixels${more}`,
      })
    const unseen = `; withheld drawings ${percent(named.codes[1]!)} from codes, ${percent(named.pixels[1]!)} from pixels`
    return [
      of('background read from codes', [ground.codes[0]!, ground.pixels[0]!], 0.99, `; ${beside}`),
      of("a silhouette's colour read from codes", [tint.codes[0]!, tint.pixels[0]!], 0.85),
      of(
        'label read from codes, new rendering',
        [named.codes[0]!, named.pixels[0]!],
        named.pixels[0]! / 2,
        unseen,
      ),
    ]
  } finally {
    await judge.close()
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

/** Background, a silhouette's colour, the label of a drawing, the label of a withheld drawing. */
function propertiesOf({ world }: TowerWorld): Property[] {
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
  return [
    scene('mixed', COLOURS.length, ({ background }) => background),
    scene('tinted', COLOURS.length, ({ parts }) => parts[0]!.colour!),
    drawing((withheld, random) => (withheld + 1 + below(TRAINING_STYLES - 1, random)) % TRAINING_STYLES),
    drawing((withheld) => withheld),
  ]
}

/** Drawings as codes' signs `[n, codes · bits]` and as pixels `[n, 3 · side · side]`. */
interface CodedRows {
  codes: Tensor<'f32'>
  pixels: Tensor<'f32'>
  classes: number[]
}

interface Reading {
  at: TowerWorld
  judge: CodeJudge
  parameters: Parameters
  seed: number
  threads?: number
  signal?: AbortSignal
}

/** Shares read right by a probe on codes and by one on pixels: of new drawings, then of `more`. */
async function readings(
  reading: Reading,
  property: Property,
  more: readonly Property[],
): Promise<{ codes: number[]; pixels: number[] }> {
  const { seed, threads, signal } = reading
  const { classes } = property
  const training = await rowsOf(reading, property, TRAINING, 'train')
  const tests: CodedRows[] = []
  for (const tested of [property, ...more]) tests.push(await rowsOf(reading, tested, READ, 'test'))
  const shares = async (kind: 'codes' | 'pixels') =>
    await probe(
      { features: training[kind], classes: training.classes },
      tests.map((test) => ({ features: test[kind], classes: test.classes })),
      { classes, seed, threads, signal },
    )
  return { codes: await shares('codes'), pixels: await shares('pixels') }
}

async function rowsOf(
  { at, judge, parameters, seed, signal }: Reading,
  { draw }: Property,
  count: number,
  use: 'train' | 'test',
): Promise<CodedRows> {
  const random = stream(seed, 'image-tokenizer-gates', use)
  const [codeWidth, pixelWidth] = [CODES * CODE_STACK.bits, 3 * CODE_PICTURE * CODE_PICTURE]
  const codes = new Float32Array(count * codeWidth)
  const pixels = new Float32Array(count * pixelWidth)
  const classes: number[] = []
  for (let from = 0; from < count; from += BATCH) {
    const drawn = Array.from({ length: BATCH }, () => draw(random, use))
    classes.push(...drawn.map(({ own }) => own))
    const pictures = codePixels(
      drawn.map(({ description }) => description),
      at.sheets,
    )
    pixels.set(pictures.data, from * pixelWidth)
    const found = await judge.codes(parameters, pictures, signal)
    codes.set(signsOf([...found], CODE_STACK.bits, [1, CODES]), from * codeWidth)
  }
  return { codes: f32([count, codeWidth], codes), pixels: f32([count, pixelWidth], pixels), classes }
}
