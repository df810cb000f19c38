/** @file Writes the files of a run, each whole or not at all. */

import { join } from 'node:path'
import type { z } from 'zod'
import { canonicalJson } from '../../../foundation/files/canonical-json.ts'
import { writeFileAtomic } from '../../../foundation/files/file.ts'
import {
  type RunRecord,
  type RunResults,
  type RunSetting,
  recordSchema,
  resultsSchema,
  runFiles,
  type ShownTask,
  settingSchema,
  shownTaskSchema,
  type TaskRows,
  type TaskScoresFile,
} from './files.ts'
import { rowsHash } from './rows.ts'

export class RunWriter {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  async setting(setting: RunSetting): Promise<void> {
    await this.#write(runFiles.setting, pretty(settingSchema, setting))
  }

  /** Fractions are rounded to six significant digits. */
  async results(results: RunResults): Promise<void> {
    await this.#write(runFiles.results, canonicalJson(resultsSchema.parse(results)))
  }

  async record(record: RunRecord): Promise<void> {
    await this.#write(runFiles.record, pretty(recordSchema, record))
  }

  /** Numbers are exact, because they are read again. A row is a line. */
  async scores(scores: TaskScoresFile): Promise<void> {
    const { rows, ...head } = scores
    await this.#write(runFiles.scores(scores.model, scores.task), withLines(head, 'rows', rows))
  }

  /** Under the hash of the rows. */
  async rows(rows: TaskRows): Promise<void> {
    await this.#write(runFiles.rows(rowsHash(rows)), `${JSON.stringify(rows)}\n`)
  }

  async shown(shown: ShownTask): Promise<void> {
    const { rows, ...head } = shownTaskSchema.parse(shown)
    await this.#write(runFiles.shown(shown.task), withLines(head, 'rows', rows))
  }

  async #write(file: string, text: string): Promise<void> {
    await writeFileAtomic(join(this.path, file), text)
  }
}

function pretty<T>(schema: z.ZodType<T>, value: T): string {
  return `${JSON.stringify(schema.parse(value), undefined, 2)}\n`
}

/** A JSON object whose last member is a list with a line for each element. */
function withLines(head: object, name: string, list: readonly unknown[]): string {
  const start = JSON.stringify(head).slice(0, -1)
  return `${start},"${name}":[\n${list.map((one) => JSON.stringify(one)).join(',\n')}\n]}\n`
}
