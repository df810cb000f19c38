/**
 * @file One case of a vision-language fixture: prompt, pixels, ids, then every stage from the tower
 * to the pooled vectors.
 */

import { join } from 'node:path'
import { toF32 } from '../../foundation/numeric/float.ts'
import { blockOf, joined, rangeOf } from '../../foundation/numeric/rows.ts'
import { f32, i64, type Tensor, zeros } from '../../foundation/numeric/tensor.ts'
import { decodeImage } from '../../inputs/media/index.ts'
import type { VerifyRecorder } from '../../models/embedder/golden/report.ts'
import {
  layerStage,
  type Pool,
  pools,
  poolWeights,
  poolWeightsFeed,
  ReadoutError,
} from '../../models/embedder/readout.ts'
import { positionFeeds, rowWidth } from '../../models/families/decoder-inputs.ts'
import type { PreparedItem, PrepareOptions, Processor } from '../../models/families/family.ts'
import type { VisionLanguageModel } from '../../models/families/model.ts'
import type { ModelCase, ModelFixture } from './model-fixture.ts'
import type { ModelSessions } from './model-sessions.ts'

interface Subject {
  fixture: ModelFixture
  model: VisionLanguageModel
  /** Tells the model's config from that of other cases. */
  key: string
  processor: Processor
  sessions: ModelSessions
  recorder: VerifyRecorder
}

/** Where an item's tokens lie in its row of a batch. */
interface Place {
  start: number
  length: number
}

/** Verifies all that one case expects. */
export async function verifyVisionLanguageCase(at: ModelCase, subject: Subject): Promise<void> {
  const prepared = await prepare(at, subject)
  const rows = await compareVision(at, prepared, subject)
  compareCodes(at, prepared, rows, subject)
  const seq = Math.max(...prepared.map(({ inputIds }) => inputIds.length))
  const places = prepared.map(({ inputIds: { length } }) => ({
    start: at.padding_side === 'left' ? seq - length : 0,
    length,
  }))
  const batch = { prepared, rows, places, seq }
  await compareDecoder(at, 'native', batch, subject)
  if (Object.keys(at.expect.causal).length > 0) await compareDecoder(at, 'causal', batch, subject)
  if (typeof at.expect.unmasked === 'string') await compareUnmasked(at, at.expect.unmasked, batch, subject)
}

async function prepare(
  at: ModelCase,
  { fixture, model, processor, recorder }: Subject,
): Promise<PreparedItem[]> {
  const prepared: PreparedItem[] = []
  for (const [i, { prompt, images, messages }] of at.items.entries()) {
    const where = (stage: string) => ({ case: at.name, stage })
    if (messages !== undefined) {
      const rendered = processor.render(messages)
      recorder.check(
        where('prompt'),
        rendered === prompt,
        `got ${JSON.stringify(rendered)}, expected ${JSON.stringify(prompt)}`,
      )
    }
    const pictures = await Promise.all(images.map((name) => decodeImage(join(fixture.dir, 'images', name))))
    const { instruction = '', appendIds, dropTokenAfterImage = false } = at.options ?? {}
    const instructionEnd = instruction === '' ? 0 : prompt.indexOf(instruction) + instruction.length
    const imageFit = fitOf(at.expect.image_transform)
    const item = (drop: boolean) =>
      processor.prepare(prompt, pictures, {
        instructionEnd,
        appendIds,
        truncation: 'reference',
        dropTokenAfterImage: drop,
        imageFit,
      })
    const made = item(dropTokenAfterImage)
    prepared.push(made)
    const { expect } = at
    const real = (ids: readonly number[] | undefined) => realOnes(ids, expect.attention_mask?.[i])
    for (const [ids, got] of [
      [model.shape.imageCodes === undefined ? expect.input_ids : undefined, made],
      [expect.input_ids_training, expect.input_ids_training && item(false)],
      [expect.input_ids_inference, expect.input_ids_inference && item(true)],
    ] as const) {
      const [wanted, found] = [real(ids?.[i]), got?.unsplicedIds ?? got?.inputIds]
      if (wanted !== undefined)
        recorder.check(
          where('input_ids'),
          wanted.join() === found?.join(),
          `got [${found}], expected [${wanted}]`,
        )
    }
    const places = expect.position_ids?.map((axis) => real(axis[i]) ?? [])
    if (places !== undefined) {
      const got = made.positions ?? []
      recorder.check(
        where('position_ids'),
        places.join() === got.join(),
        `got [${got.join('; ')}], expected [${places.join('; ')}]`,
      )
    }
    const [spans, found] = [expect.visual_spans?.[i], made.spans.image]
    if (spans !== undefined)
      recorder.check(
        where('visual_spans'),
        spans.join() === found.join(),
        `got [${found}], expected [${spans}]`,
      )
  }
  for (const name of ['image_sizes', 'image_grid_thw'] as const) {
    const [wanted, found] = [at.expect[name], prepared.flatMap(({ reported }) => reported?.[name] ?? [])]
    if (wanted !== undefined)
      recorder.check(
        { case: at.name, stage: name },
        wanted.join() === found.join(),
        `got [${found}], expected [${wanted}]`,
      )
  }
  return prepared
}

/** Those of a padded row that are no padding. */
function realOnes(
  ids: readonly number[] | undefined,
  keep: readonly number[] | undefined,
): number[] | undefined {
  return ids?.filter((_, position) => ids.length !== keep?.length || keep[position] === 1)
}

/** How a fixture words the ways to a square. */
function fitOf(transform: string | undefined): PrepareOptions['imageFit'] {
  if (transform === undefined) return undefined
  return (['squash', 'pad'] as const).find((fit) => transform.includes(fit)) ?? 'crop'
}

/**
 * Where pictures are ids, those are known after the tower only: its codes, exactly, and the
 * sequences that hold them.
 */
function compareCodes(
  at: ModelCase,
  prepared: readonly PreparedItem[],
  rows: readonly Tensor<'f32'>[],
  { model, recorder }: Subject,
): void {
  if (model.shape.imageCodes === undefined) return
  const { image_codes: codes, input_ids: ids, attention_mask: keep } = at.expect
  const found = rows.flatMap(({ data }) => [...data])
  if (codes !== undefined)
    recorder.check(
      { case: at.name, stage: 'image_codes' },
      codes.join() === found.join(),
      `got [${found}], expected [${codes.join('; ')}]`,
    )
  for (const [i, { inputIds, imageIndex }] of prepared.entries()) {
    const got = inputIds.map(
      (id, position) => id + (imageIndex[position]! < 0 ? 0 : rows[i]!.data[imageIndex[position]!]!),
    )
    const wanted = realOnes(ids?.[i], keep?.[i])
    if (wanted !== undefined)
      recorder.check(
        { case: at.name, stage: 'input_ids' },
        wanted.join() === got.join(),
        `got [${got}], expected [${wanted}]`,
      )
  }
}

/** Compares what the pictures become; gives each item's table of image rows. */
async function compareVision(
  at: ModelCase,
  prepared: readonly PreparedItem[],
  subject: Subject,
): Promise<Tensor<'f32'>[]> {
  const { fixture, model, sessions, key } = subject
  const outputs: Record<string, Tensor>[] = []
  const pixels: Tensor<'f32'>[] = []
  const rows: Tensor<'f32'>[] = []
  for (const { views, visionFeeds } of prepared) {
    const own = joined(views.map((view) => f32([1, ...view.dims], view.data)))
    if (own === undefined) {
      rows.push(zeros([0, rowWidth(model.shape)]))
      continue
    }
    // Views `[patches, values]` of a token: the reference lists all patches.
    pixels.push(own.dims.length === 3 ? f32([own.dims[0]! * own.dims[1]!, own.dims[2]!], own.data) : own)
    const results = await (await sessions.vision(key, model)).run({ pixel_values: own, ...visionFeeds })
    rows.push(toF32(results.rows!))
    outputs.push(results)
  }
  const names = Object.keys(outputs[0] ?? {}).filter((name) => name !== 'rows')
  const stages: [string, Tensor<'f32'>[]][] = [
    ['pixel_values', pixels],
    ...names.map((name): [string, Tensor<'f32'>[]] => [
      name,
      outputs.map((results) => toF32(results[name]!)),
    ]),
  ]
  for (const [stage, parts] of stages) {
    const name = at.expect.stages[stage]
    if (name === undefined) continue
    const expected = fixture.expected.get(name)
    const place = { at, tolerance: fixture.tolerance(at, stage), label: stage, name }
    compareOne(
      place,
      joined(parts),
      expected && (stage === 'pixel_values' ? realViews(toF32(expected)) : toF32(expected)),
      subject,
    )
  }
  return rows
}

/**
 * Views `[pictures or items, views, channels, height, width]` without the views of zeros that fill
 * up to the largest number: a processor gives no such view, because no level is exactly the mean.
 * Other shapes stay as they are.
 */
function realViews(pixels: Tensor<'f32'>): Tensor<'f32'> {
  if (pixels.dims.length !== 5) return pixels
  const [groups = 0, views = 0, ...view] = pixels.dims
  const all = f32([groups * views, ...view], pixels.data)
  const real = Array.from({ length: groups * views }, (_, i) => rangeOf(all, i, 1)).filter(({ data }) =>
    data.some((value) => value !== 0),
  )
  return joined(real) ?? f32([0, ...view], [])
}

interface Batch {
  prepared: readonly PreparedItem[]
  /** Each item's image rows `[rows, hidden]`. */
  rows: readonly Tensor<'f32'>[]
  places: readonly Place[]
  seq: number
}

async function compareDecoder(
  at: ModelCase,
  attention: 'native' | 'causal',
  batch: Batch,
  subject: Subject,
): Promise<void> {
  const { fixture } = subject
  const results = await runDecoder(attention, batch, subject)
  const pooled = await runPools(at, results.norm!, batch, subject)
  for (const [i, place] of batch.places.entries()) {
    // A row of a batch without stages of its own must equal the case that it repeats.
    const own =
      at.expect.rows === undefined ? at : fixture.cases.find(({ name }) => name === at.expect.rows![i])
    if (own === undefined) continue
    const names = attention === 'native' ? own.expect.stages : own.expect.causal
    for (const stage of decoderStages(subject.model.shape.layers)) {
      const name = names[stage]
      if (name === undefined) continue
      const label = attention === 'native' ? stage : `causal/${stage}`
      const expected = expectedOf(
        subject.fixture,
        name,
        own === at ? i : 0,
        own === at ? batch : undefined,
        stage,
      )
      const got = stage.startsWith('pool.') ? pooled(stage, i) : positionsOf(stage, results, i, place)
      compareOne({ at, tolerance: fixture.tolerance(own, label), label, name }, got, expected, subject)
    }
  }
}

/** Stages after the splice, in the order of the computation. */
function decoderStages(layers: number): string[] {
  const positions = [
    'inputs',
    ...Array.from({ length: layers }, (_, i) => layerStage(i)),
    'norm',
    'logits.last',
  ]
  return [...positions, ...pools.map((pool) => `pool.${pool}`)]
}

async function runDecoder(
  attention: 'native' | 'causal',
  { prepared, rows, places, seq }: Batch,
  subject: Subject,
): Promise<Record<string, Tensor>> {
  const { model, sessions, key, fixture } = subject
  const logits = fixture.cases.some(({ expect }) => 'logits.last' in expect.stages)
  const session = await sessions.decoder(key, model, attention, logits)
  const feed = (fill: number, of: (item: PreparedItem, index: number) => readonly number[]) => {
    const values = new Array<number>(prepared.length * seq).fill(fill)
    prepared.forEach((item, i) => {
      of(item, i).forEach((value, position) => {
        values[i * seq + places[i]!.start + position] = value
      })
    })
    return i64([prepared.length, seq], values)
  }
  const offsets = rows.map((_, i) => rows.slice(0, i).reduce((sum, table) => sum + table.dims[0]!, 0))
  return await session.run({
    input_ids: feed(0, ({ inputIds }) => inputIds),
    attention_mask: feed(0, ({ inputIds }) => inputIds.map(() => 1)),
    image_index: feed(-1, ({ imageIndex }, i) =>
      imageIndex.map((row) => (row < 0 ? row : row + offsets[i]!)),
    ),
    // A row of zeros at the end: a table must not be empty.
    image_rows: joined([...rows, zeros([1, rowWidth(model.shape)])])!,
    ...positionFeeds(
      prepared,
      seq,
      places.map(({ start }) => start),
    ),
  })
}

/** Pooled vectors by stage and item; what an item has no position for is absent. */
async function runPools(
  at: ModelCase,
  norm: Tensor,
  { prepared, places, seq }: Batch,
  { model, sessions }: Subject,
): Promise<(stage: string, item: number) => Tensor<'f32'> | undefined> {
  const session = await sessions.pooling(model.shape.hidden)
  const found = new Map<string, Tensor<'f32'>>()
  for (const pool of pools) {
    for (const [i, item] of prepared.entries()) {
      const weights = weightsFor(pool, item, at.options?.appendIds?.[0])
      if (weights === undefined) continue
      const [, batch, width] = norm.dims
      const hidden = rangeOf(toF32(norm), i, 1)
      const feed = poolWeightsFeed([[weights]], seq, [places[i]!.start])
      const { pooled } = await session.run({
        hidden: f32([1, batch!, width!], hidden.data),
        pool_weights: f32([1, seq], feed.data),
      })
      found.set(`pool.${pool} ${i}`, blockOf(toF32(pooled!), 0))
    }
  }
  return (stage, item) => found.get(`${stage} ${item}`)
}

/** Weights of a pooling; `undefined` when the item has no position for it. */
function weightsFor(pool: Pool, item: PreparedItem, mask: number | undefined): Float32Array | undefined {
  try {
    return poolWeights(pool, { ...item, text: item.spans.text, tailStart: item.spans.tailStart }, { mask })
  } catch (error) {
    if (error instanceof ReadoutError) return undefined
    throw error
  }
}

function positionsOf(
  stage: string,
  results: Readonly<Record<string, Tensor>>,
  item: number,
  { start, length }: Place,
): Tensor<'f32'> | undefined {
  const whole = results[stage === 'logits.last' ? 'logits' : stage]
  if (whole === undefined) return undefined
  const row = blockOf(toF32(whole), item)
  return stage === 'logits.last' ? blockOf(row, start + length - 1) : rangeOf(row, start, length)
}

/**
 * The part of an expected tensor that belongs to one item: `[batch, seq, hidden]` at its positions,
 * `[batch, hidden]` at its row; a fixture that leaves the batch axis out has one item.
 */
function expectedOf(
  fixture: ModelFixture,
  name: string,
  item: number,
  batch: Batch | undefined,
  stage: string,
): Tensor<'f32'> | undefined {
  const found = fixture.expected.get(name)
  if (found === undefined) return undefined
  const whole = toF32(found)
  const single = /^(pool\.|logits)/.test(stage) ? 1 : 2
  if (whole.dims.length === single) return whole
  const row = blockOf(whole, item)
  const place = batch?.places[item]
  // A sequence of another length is a difference of shape.
  const inside = place !== undefined && place.start + place.length <= row.dims[0]!
  return single === 1 || !inside ? row : rangeOf(row, place.start, place.length)
}

/** The reference without a key mask: padding holds zero vectors and takes part. */
async function compareUnmasked(at: ModelCase, name: string, batch: Batch, subject: Subject): Promise<void> {
  const { seq, rows } = batch
  const zeroRow = (table: Tensor<'f32'>) => joined([table, zeros([1, rowWidth(subject.model.shape)])])!
  const padded = batch.prepared.map((item, i): PreparedItem => {
    const missing = seq - item.inputIds.length
    return {
      ...item,
      inputIds: [...item.inputIds, ...new Array<number>(missing).fill(0)],
      imageIndex: [...item.imageIndex, ...new Array<number>(missing).fill(rows[i]!.dims[0]!)],
    }
  })
  const places = padded.map(() => ({ start: 0, length: seq }))
  const { norm } = await runDecoder(
    'native',
    { prepared: padded, rows: rows.map(zeroRow), places, seq },
    subject,
  )
  compareWhole(at, 'norm', name, norm && toF32(norm), subject, 'unmasked/norm')
}

function compareWhole(
  at: ModelCase,
  stage: string,
  name: string,
  got: Tensor<'f32'> | undefined,
  subject: Subject,
  label = stage,
): void {
  const expected = subject.fixture.expected.get(name)
  compareOne(
    { at, tolerance: subject.fixture.tolerance(at, stage), label, name },
    got,
    expected && toF32(expected),
    subject,
  )
}

function compareOne(
  { at, tolerance, label, name }: { at: ModelCase; tolerance: number; label: string; name: string },
  got: Tensor<'f32'> | undefined,
  expected: Tensor<'f32'> | undefined,
  { recorder }: Subject,
): void {
  const where = { case: at.name, stage: label, key: name }
  if (expected === undefined) recorder.check(where, false, `the fixture has no tensor ${name}`)
  else recorder.compare(where, got, expected, tolerance)
}
