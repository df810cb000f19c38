/**
 * @file The log of a training: a JSON line for each update and each evaluation. No times in it: the
 * same run gives the same bytes, also when it was stopped and resumed. Times have a file of their
 * own (`times.ts`).
 */

import { existsSync } from 'node:fs'
import { appendFile, open } from 'node:fs/promises'
import { z } from 'zod'
import { writeFailure } from '../../foundation/files/errors.ts'
import { readText, writeFileAtomic } from '../../foundation/files/file.ts'
import { TrainingError } from './errors.ts'

/** JSON has no number for a figure that is none: it becomes null. */
const figure = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN)

const line = z.object({ step: z.int(), evaluation: z.record(z.string(), figure).optional() })

/** Figures of the model after an update. */
export interface Evaluation {
  /** Updates done. */
  readonly step: number
  readonly figures: Readonly<Record<string, number>>
}

/** A line of the log. It begins with `step`, the number of updates done. */
export type LogEntry = { readonly step: number } & Readonly<Record<string, unknown>>

export interface TrainingLog {
  /** The evaluations that the log had when it was opened, in order. */
  readonly evaluations: readonly Evaluation[]
  append(entry: LogEntry): Promise<void>
  /** Returns when the disk has all lines: a snapshot that is saved then has its whole log. */
  sync(): Promise<void>
}

/** A log that is written nowhere. */
export const silentLog: TrainingLog = { evaluations: [], append: async () => {}, sync: async () => {} }

/**
 * Opens the log of a training that goes on after `step` updates: later lines, and a last one that
 * was cut, are dropped.
 * @throws TrainingError `training/log` when a line of an update up to `step` is missing; FileError
 *   `file/read`, `file/write`, `file/disk-full`
 */
export async function openLog(path: string, step: number): Promise<TrainingLog> {
  const texts = step > 0 && existsSync(path) ? (await readText(path)).split('\n') : []
  const kept = texts.flatMap((text) => {
    const entry = parse(text)
    return entry === undefined || entry.step > step ? [] : [{ text, entry }]
  })
  requireUpdates(
    path,
    step,
    kept.flatMap(({ entry }) => (entry.evaluation === undefined ? [entry.step] : [])),
  )
  await writeFileAtomic(path, kept.map(({ text }) => `${text}\n`).join(''))
  const failed = (cause: unknown) => {
    throw writeFailure(path, cause)
  }
  return {
    evaluations: kept.flatMap(({ entry: { step: at, evaluation } }) =>
      evaluation === undefined ? [] : [{ step: at, figures: evaluation }],
    ),
    append: async (entry) => {
      await appendFile(path, `${JSON.stringify(entry)}\n`).catch(failed)
    },
    sync: async () => {
      const file = await open(path, 'a').catch(failed)
      await file
        .sync()
        .catch(failed)
        .finally(() => file.close())
    },
  }
}

function parse(text: string): z.output<typeof line> | undefined {
  try {
    return line.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** Evaluations decide what is kept and when it stops, so the log is part of the state. */
function requireUpdates(path: string, step: number, found: readonly number[]): void {
  if (found.length === step && found.every((at, i) => at === i + 1)) return
  throw new TrainingError('log', {
    message: `${path} was changed from outside: it has lines of ${found.length} of the ${step} updates that were done`,
    hint: 'Put the file back, or remove the folder of the training to start anew.',
  })
}
