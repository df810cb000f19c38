/**
 * @file The cost of a precision on the benchmark: hit@1 of models in f32 and in fewer bits, task by
 * task. Exit code 4 where the mean over the tasks falls by more than half a point. Developers only:
 *
 *     npm run precision                              shipped tower and twins, int8: minutes
 *     npm run precision -- --dtype f16 DIR           another precision, another model
 *     npm run precision -- --rows 20 --threads 1     fewer rows a task, for a quick look
 *     npm run precision -- --pool mean               another pooling than the model's own
 *
 * The tasks are those of `npm start`. With few rows, chance alone moves the mean by more than half
 * a point.
 */

import { parseArgs } from 'node:util'
import { PRECISIONS, type Precision } from '../src/engine/graph/compiled.ts'
import { shippedData } from '../src/foundation/files/shipped.ts'
import { UsageError } from '../src/foundation/numeric/errors.ts'
import { mean } from '../src/foundation/numeric/statistics.ts'
import type { KeyedItem } from '../src/inputs/data/item.ts'
import type { Task } from '../src/inputs/data/task.ts'
import { loadSheets } from '../src/inputs/scenes/sheets.ts'
import { buildTasks, QUICK_LIMITS } from '../src/inputs/scenes/tasks/suite.ts'
import { loadWorld } from '../src/inputs/scenes/world.ts'
import { captionOf } from '../src/measuring/benchmark/dual-encoder.ts'
import { evaluateTask, type ModelScores, type TaskScores } from '../src/measuring/benchmark/evaluate.ts'
import { differenceOver } from '../src/measuring/benchmark/summary.ts'
import { itemsOf } from '../src/measuring/benchmark/task.ts'
import { Embedder } from '../src/models/embedder/embedder.ts'
import { type Pool, pools } from '../src/models/embedder/readout.ts'
import { endWith } from './outcome.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dtype: { type: 'string', default: 'int8' },
    rows: { type: 'string', default: String(QUICK_LIMITS.test) },
    threads: { type: 'string' },
    pool: { type: 'string' },
  },
})

/** Points of hit@1 that may be lost. */
const ALLOWED = 0.5

await endWith(async () => {
  const reduced = PRECISIONS.find((name) => name === values.dtype)
  if (reduced === undefined || reduced === 'f32') {
    throw new UsageError('arguments', {
      message: `no precision below f32 is called ${values.dtype}`,
      hint: 'Take int8 or f16.',
    })
  }
  const pool = pools.find((name) => name === values.pool)
  if (values.pool !== undefined && pool === undefined) {
    throw new UsageError('arguments', {
      message: `no pooling is called ${values.pool}`,
      hint: `Take one of ${pools.join(', ')}.`,
    })
  }
  const data = shippedData()
  const world = await loadWorld(data, 'small')
  const sheets = await loadSheets(data, [...world.training, ...world.heldOut])
  const tasks = buildTasks(world, sheets, {
    limits: { ...QUICK_LIMITS, train: 0, dev: 0, test: Number(values.rows) },
  })
  const items = [...new Map(itemsOf(tasks, 'test').map((item) => [item.key, item])).values()]
  console.log(
    `${tasks.length} tasks, ${tasks.reduce((sum, { test }) => sum + test.length, 0)} rows, ${items.length} different items`,
  )

  let missed = false
  for (const model of positionals.length > 0
    ? positionals
    : ['bifocal:tower', 'bifocal:twin-ar', 'bifocal:twin-diffusion']) {
    const exact = await scores(model, { dtype: 'f32', pool }, { tasks, items })
    const other = await scores(model, { dtype: reduced, pool }, { tasks, items })
    console.log(`\n${model}`)
    for (const [i, { task, rows }] of exact.tasks.entries()) {
      const [before, after] = [rows, other.tasks[i]!.rows].map(
        (own) => 100 * mean(own.map(({ hit1 }) => hit1)),
      )
      console.log(
        `  ${task.padEnd(34)} f32 ${points(before!)}   ${reduced} ${points(after!)}   ${points(after! - before!)}`,
      )
    }
    const difference = differenceOver(other, exact, { kind: 'all' }, tasks, { seed: 7, resamples: 1000 })!
    const [value, low, high] = [difference.value, difference.low, difference.high].map((share) => 100 * share)
    console.log(
      `  mean over the tasks: ${points(value!)} points (95 %: ${points(low!)} to ${points(high!)}); at most ${ALLOWED} may be lost`,
    )
    missed ||= !(value! >= -ALLOWED)
  }
  return missed ? 4 : 0
})

async function scores(
  model: string,
  { dtype, pool }: { dtype: Precision; pool: Pool | undefined },
  { tasks, items }: { tasks: readonly Task[]; items: readonly KeyedItem[] },
): Promise<ModelScores> {
  const embedder = await Embedder.load(model, {
    dtype,
    truncation: 'reference',
    threads: values.threads === undefined ? undefined : Number(values.threads),
    readout: { pool },
    preset: 'none',
  })
  const dual = embedder.family === 'clip' || embedder.family === 'siglip'
  const shown = items.map((item) => (dual ? { text: captionOf(item), image: item.image } : item))
  try {
    const { vectors } = await embedder.embed(shown)
    const width = vectors.data.length / items.length
    const rowOf = new Map(items.map(({ key }, row) => [key, row]))
    const vectorOf = (key: string) =>
      vectors.data.subarray(rowOf.get(key)! * width, (rowOf.get(key)! + 1) * width)
    const scored: TaskScores[] = []
    for (const task of tasks) scored.push(await evaluateTask(task, vectorOf))
    return { model: `${model} ${dtype}`, tasks: scored }
  } finally {
    await embedder.close()
  }
}

function points(value: number): string {
  return value.toFixed(2).padStart(6)
}
