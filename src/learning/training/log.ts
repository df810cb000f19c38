/**
 * @file The log of a training: a JSON line for each update and each evaluation. No times in it: the
 * same run gives the same bytes.
 */

import { existsSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeFailure } from '../../foundation/files/errors.ts'
import { readText, writeFileAtomic } from '../../foundation/files/file.ts'

const line = z.object({ step: z.number(), evaluation: z.record(z.string(), z.number()).optional() })

/** Figures of the model after an update. */
export interface Evaluation {
  /** Updates done. */
  readonly step: number
  readonly figures: Readonly<Record<string, number>>
}

export interface TrainingLog {
  /** The evaluations that the log had when it was opened, in order. */
  readonly evaluations: readonly Evaluation[]
  /** @param entry begins with `step`, the number of updates done */
  append(entry: { step: number } & Readonly<Record<string, unknown>>): Promise<void>
}

/** A log that is written nowhere. */
export const silentLog: TrainingLog = { evaluations: [], append: async () => {} }

/**
 * Opens the log of a training that goes on after `step` updates: later lines, and a last one that
 * was cut, are dropped.
 * @throws FileError `file/read`, `file/write`, `file/disk-full`
 */
export async function openLog(path: string, step: number): Promise<TrainingLog> {
  const kept =
    step > 0 && existsSync(path)
      ? (await readText(path)).split('\n').filter((text) => stepOf(text) <= step)
      : []
  await writeFileAtomic(path, kept.map((text) => `${text}\n`).join(''))
  return {
    evaluations: kept.flatMap((text) => {
      const { step: at = 0, evaluation: figures } = parse(text) ?? {}
      return figures === undefined ? [] : [{ step: at, figures }]
    }),
    async append(entry) {
      await appendFile(path, `${JSON.stringify(entry)}\n`).catch((cause: unknown) => {
        throw writeFailure(path, cause)
      })
    },
  }
}

/** Updates done at a line; infinite where it can't be read. */
function stepOf(text: string): number {
  return parse(text)?.step ?? Number.POSITIVE_INFINITY
}

function parse(text: string): z.infer<typeof line> | undefined {
  try {
    return line.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
