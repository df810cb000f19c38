/**
 * @file Windows of a call: one is prepared while another runs. With an encoder that does as the
 * test says.
 */

import { expect, test } from 'vitest'
import { BifocalError } from '../../foundation/numeric/errors.ts'
import { ItemError } from '../../inputs/data/errors.ts'
import { type KeyedItem, readItem } from '../../inputs/data/item.ts'
import { embedItems } from './embedding.ts'
import type { Encodable, EncodeOptions, Encoder } from './encoder.ts'
import type { StoredVectors } from './vectors/store.ts'

interface Numbered extends Encodable {
  readonly number: number
}

/** So many items fill a window. */
const WINDOW = 4
const BYTES = 2 ** 27 / (WINDOW - 0.5)

/**
 * Gives item n the vector [n, 1]; a run takes a while, so that what can happen meanwhile happens.
 */
class SlowEncoder implements Encoder<Numbered> {
  readonly unused = []
  /**
   * `prepare 0`, `run 0`, `ran 3`: the number of the item, and of the first and last one of a
   * window.
   */
  readonly events: string[] = []
  readonly #faults: Readonly<Record<number, string>>
  #held = 0
  most = 0

  constructor(faults: Readonly<Record<number, string>> = {}) {
    this.#faults = faults
  }

  async prepare(item: KeyedItem): Promise<Numbered> {
    const number = Number((await readItem(item)).text)
    if (this.#faults[number] === 'too-long') throw this.#fault(number)
    this.events.push(`prepare ${number}`)
    this.most = Math.max(this.most, ++this.#held)
    return { number, tokens: 1, bytes: BYTES }
  }

  async encode(items: readonly Numbered[], { onBatch }: EncodeOptions): Promise<void> {
    this.events.push(`run ${items[0]!.number}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const vectors = items.map(({ number }) => Float32Array.of(number, 1))
    const bad = items.find(({ number }) => ['broken', 'not-finite'].includes(this.#faults[number] ?? ''))
    if (bad !== undefined) throw this.#fault(bad.number)
    await onBatch(
      items.map((_, i) => i),
      [vectors],
    )
    this.#held -= items.length
    this.events.push(`ran ${items.at(-1)!.number}`)
  }

  async open(): Promise<void> {}
  async close(): Promise<void> {}

  #fault(number: number): BifocalError {
    const fault = this.#faults[number]
    const code = fault === 'not-finite' ? 'runtime/not-finite' : `embedder/${fault}`
    return new BifocalError(code, { message: `item ${number}`, hint: '' })
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => ({ text: String(i) }))

function embed(encoder: SlowEncoder, items: Parameters<typeof embedItems>[2], store?: StoredVectors[]) {
  const kept = store && {
    readouts: ['vector'],
    get: async () => undefined,
    put: async (entries: readonly StoredVectors[]) => void store.push(...entries),
  }
  return embedItems(encoder, { instruction: undefined, readouts: ['vector'] }, items, { store: kept })
}

test('the next window is prepared while one runs, and no more than that', async () => {
  const encoder = new SlowEncoder()
  const { vectors } = await embed(encoder, numbers(3 * WINDOW))
  expect(encoder.events.filter((event) => !event.startsWith('prepare'))).toEqual([
    'run 0',
    'ran 3',
    'run 4',
    'ran 7',
    'run 8',
    'ran 11',
  ])
  expect(encoder.events.indexOf('prepare 7')).toBeLessThan(encoder.events.indexOf('ran 3'))
  expect(encoder.events.indexOf('prepare 8')).toBeGreaterThan(encoder.events.indexOf('ran 3'))
  expect(encoder.most).toBe(2 * WINDOW)
  expect(Array.from(vectors.data)).toEqual(numbers(3 * WINDOW).flatMap((_, i) => [i, 1]))
})

test('a failure of the window that runs goes before a bad item of the next one', async () => {
  const encoder = new SlowEncoder({ 2: 'broken', 5: 'too-long' })
  await expect(embed(encoder, numbers(3 * WINDOW))).rejects.toMatchObject({
    code: 'embedder/broken',
    message: 'item 2',
  })
})

test('a bad item ends the call when the window before it has run and its vectors are kept', async () => {
  const encoder = new SlowEncoder({ 5: 'too-long' })
  const stored: StoredVectors[] = []
  await expect(embed(encoder, numbers(3 * WINDOW), stored)).rejects.toMatchObject({
    code: 'embedder/too-long',
    message: 'items[5]: item 5',
  })
  expect(stored.map(({ vectors }) => vectors[0]![0])).toEqual([0, 1, 2, 3])
})

test('so does a source that fails', async () => {
  const encoder = new SlowEncoder()
  const stored: StoredVectors[] = []
  const items = async function* () {
    yield* numbers(WINDOW + 1)
    throw new ItemError('line', { message: 'line 6', hint: '' })
  }
  await expect(embed(encoder, items(), stored)).rejects.toMatchObject({ code: 'data/line' })
  expect(stored).toHaveLength(WINDOW)
})

test('after a failure no further items are asked for, however slowly they come', async () => {
  const encoder = new SlowEncoder({ 0: 'broken' })
  let asked = 0
  const items = async function* () {
    for (; ; asked++) {
      if (asked > WINDOW) await new Promise((resolve) => setTimeout(resolve, 100))
      yield { text: String(asked) }
    }
  }
  await expect(embed(encoder, items())).rejects.toMatchObject({ code: 'embedder/broken' })
  expect(asked).toBeLessThan(2 * WINDOW - 1)
})

test('nine items without a finite vector end a call, unless the model has given finite ones before', async () => {
  const faults = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [i, 'not-finite']))
  const run = (proven: boolean) =>
    embedItems(new SlowEncoder(faults), { instruction: undefined, readouts: ['vector'] }, numbers(9), {
      badItems: 'skip',
      proven,
    })
  await expect(run(false)).rejects.toMatchObject({ code: 'runtime/not-finite' })
  expect((await run(true)).skipped).toHaveLength(9)
})
