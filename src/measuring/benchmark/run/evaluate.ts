/**
 * @file Models on tasks: items are embedded once and stored, rows are scored from the store. A run
 * that was killed goes on, computes nothing twice, and ends with the same bytes.
 */

import { join, relative, resolve } from 'node:path'
import { lockAlone } from '../../../foundation/files/lock.ts'
import { removeAbandoned } from '../../../foundation/files/temporary.ts'
import { type EmbeddingOptions, embedTasks } from './embedding.ts'
import { type EvalRun, openRun } from './eval-run.ts'
import { RUN_VERSION, type RunRecord, type RunSetting, runFiles } from './files.ts'
import { finish } from './finish.ts'
import { machineFacts } from './machine.ts'
import { closeTasks, type Failures } from './opening.ts'
import type { EvaluateOptions } from './options.ts'
import { checkEvaluate, prepare } from './prepare.ts'
import { writeShard } from './shard.ts'
import { RunWriter } from './writer.ts'

/** A finished run, or one machine's part of it. */
export interface Evaluated {
  /** Undefined for a shard, which has no scores. */
  readonly run: EvalRun | undefined
  /** Of each model: how many items were taken from the store, and how many computed. */
  readonly vectors: RunRecord['vectors']
}

/**
 * Scores models on tasks. The same options give the same files, stopped and resumed or not.
 * @throws UsageError `usage/option`; BenchmarkError `benchmark/other-run`,
 *   `benchmark/too-many-problems`, `benchmark/no-rows`, `benchmark/vector-items`; FileError
 *   `file/in-use` while another run writes to the folder; InterruptedError with everything computed
 *   kept; as `openSubject` for the models and `TaskSource.open` for the tasks
 * @example
 * const tasks = await suitesOf(['embedded'])
 * const { run } = await evaluate({ models: ['bifocal:twin-ar'], tasks, out: 'out' })
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluated> {
  return await evaluateWith(options)
}

export interface Merging {
  /** Failures that other machines met. */
  readonly known: Failures
  /** Refuses another setting than that of the shards. */
  check(setting: RunSetting): void
  /** Copies the vectors of the shards. Called when the folder is this run's alone. */
  collect(): Promise<void>
}

/** As `evaluate`; a run that is merged of shards computes no vector. */
export async function evaluateWith(options: EvaluateOptions, merging?: Merging): Promise<Evaluated> {
  checkEvaluate(options)
  const startedAt = new Date().toISOString()
  const { out, shard } = options
  const lock = await lockAlone(join(out, 'eval'))
  try {
    await removeAbandoned(out, { recursive: true })
    const prepared = await prepare(options)
    try {
      merging?.check(prepared.setting)
      const writer = new RunWriter(out)
      await writer.setting(prepared.setting)
      await merging?.collect()
      const embedding: EmbeddingOptions = {
        ...embeddingOptions(options),
        shard,
        known: merging?.known,
        complete: merging !== undefined,
      }
      const { opened, contestants } = prepared
      const made = await embedTasks(opened, contestants, embedding)
      if (shard !== undefined) {
        const { failures } = made
        await writeShard(out, { shard, failures, asked: options.asked ?? null, store: storeFrom(options) })
        return { run: undefined, vectors: made.counts }
      }
      const rest = await finish(prepared, made, { writer, options, embedding })
      await writer.record({
        schemaVersion: RUN_VERSION,
        startedAt,
        finishedAt: new Date().toISOString(),
        argv: [...(options.argv ?? [])],
        store: storeFrom(options),
        vectors: made.counts,
        scored: rest,
        machine: machineFacts(options.load),
        versions: { bifocal: prepared.setting.bifocal, node: process.versions.node },
      })
      return { run: await openRun(out), vectors: made.counts }
    } finally {
      await closeTasks(prepared.opened)
    }
  } finally {
    await lock.release()
  }
}

/** Where the vectors lie, from the run's folder; undefined: in it. */
function storeFrom({ out, store }: EvaluateOptions): string | undefined {
  return store === undefined ? undefined : relative(resolve(out), resolve(store))
}

function embeddingOptions(options: EvaluateOptions): EmbeddingOptions {
  const { out, store = join(out, runFiles.vectors), signal, strict, warn, onProgress } = options
  return { store, signal, strict, warn, onProgress }
}
