/**
 * @file Seconds that the updates of a training took: a JSON line for each, in a file beside the
 * log. Lines of a run that was stopped stay, also those of updates that are done again.
 */

import { appendFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { writeFailure } from '../../foundation/files/errors.ts'
import { makeFolder, readText } from '../../foundation/files/file.ts'

const line = z.object({ step: z.int(), kind: z.enum(['update', 'evaluation']), seconds: z.number() })

export type TrainingTime = z.output<typeof line>

/**
 * Appends one time.
 * @throws FileError `file/write`, `file/disk-full`
 */
export async function appendTime(path: string, time: TrainingTime): Promise<void> {
  const write = () => appendFile(path, `${JSON.stringify(time)}\n`)
  await makeFolder(dirname(path))
    .then(write)
    .catch((cause: unknown) => {
      throw writeFailure(path, cause)
    })
}

/**
 * Reads the times that all runs of a training wrote. Passes over lines that were cut.
 * @throws FileError `file/missing`, `file/read`
 */
export async function readTimes(path: string): Promise<TrainingTime[]> {
  return (await readText(path)).split('\n').flatMap((text) => {
    try {
      return line.safeParse(JSON.parse(text)).data ?? []
    } catch {
      return []
    }
  })
}
