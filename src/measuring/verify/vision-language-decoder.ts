/** @file The decoder of a vision-language case: every stage from its inputs to pooled vectors. */

import { toF32 } from '../../foundation/numeric/float.ts'
import { blockOf, joined, rangeOf } from '../../foundation/numeric/rows.ts'
import { f32, i64, type Tensor, zeros } from '../../foundation/numeric/tensor.ts'
import {
  layerStage,
  type Pool,
  pools,
  poolWeights,
  poolWeightsFeed,
  ReadoutError,
} from '../../models/embedder/readout.ts'
import { positionFeeds, rowWidth } from '../../models/families/decoder-inputs.ts'
import type { PreparedItem } from '../../models/families/family.ts'
import type { ModelCase, ModelFixture } from './model-fixture.ts'
import {
  type Batch,
  caseOfItem,
  compareOne,
  type Place,
  type VisionLanguageSubject,
} from './vision-language-subject.ts'

/** Attention masks of which fixtures hold stages. */
export type FixtureAttention = 'native' | 'causal' | 'bidirectional'

/** Compares the decoder's stages under one attention mask, item by item. */
export async function compareDecoder(
  at: ModelCase,
  attention: FixtureAttention,
  batch: Batch,
  subject: VisionLanguageSubject,
): Promise<void> {
  const { fixture } = subject
  const results = await runDecoder(attention, batch, subject)
  const pooled = await runPools(at, results.norm!, batch, subject)
  for (const [i, place] of batch.places.entries()) {
    const own = caseOfItem(at, i, fixture)
    if (own === undefined) continue
    const names = own.expect[attention === 'native' ? 'stages' : attention]
    for (const stage of decoderStages(subject.model.shape.layers)) {
      const name = names[stage]
      if (name === undefined) continue
      const label = attention === 'native' ? stage : `${attention}/${stage}`
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
  attention: FixtureAttention,
  { prepared, rows, places, seq }: Batch,
  subject: VisionLanguageSubject,
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
    // One row of zeros, because a table must not be empty.
    image_rows: joined([...rows, zeros([1, rowWidth(model.shape)])])!,
    ...positionFeeds(
      prepared,
      seq,
      places.map(({ start }) => start),
    ),
  })
}

/** Pooled vectors by stage and item; `undefined` where an item has no position for the pooling. */
async function runPools(
  at: ModelCase,
  norm: Tensor,
  { prepared, places, seq }: Batch,
  { model, sessions, fixture }: VisionLanguageSubject,
): Promise<(stage: string, item: number) => Tensor<'f32'> | undefined> {
  const session = await sessions.pooling(model.shape.hidden)
  const found = new Map<string, Tensor<'f32'>>()
  for (const pool of pools) {
    for (const [i, item] of prepared.entries()) {
      const weights = weightsFor(pool, item, caseOfItem(at, i, fixture)?.options?.appendIds?.[0])
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

/** Compares with the reference's run without a key mask, where padding is zero vectors. */
export async function compareUnmasked(
  at: ModelCase,
  name: string,
  batch: Batch,
  subject: VisionLanguageSubject,
): Promise<void> {
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
  subject: VisionLanguageSubject,
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
