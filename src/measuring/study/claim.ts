/** @file One folder is for one study: `work/study.json` says which. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { readJson, writeFileAtomic } from '../../foundation/files/file.ts'
import { StudyError } from './errors.ts'

const claimSchema = z.object({ setting: z.string(), command: z.string() })

/** Files and folders that a study leaves; without any of them a new study may take the folder. */
const LEFT = ['results.json', 'models', 'before/results.json', 'run/results.json']

/**
 * A second study with other models or settings would replace the first one's report and tuned
 * models. A study that left neither gives its folder up.
 * @param own names everything that decides the results
 * @throws StudyError `study/other-run`
 */
export async function claimFolder(out: string, own: string, command: string): Promise<void> {
  const file = join(out, 'work', 'study.json')
  const claim = existsSync(file) ? await readJson(file, claimSchema) : undefined
  const kept = LEFT.some((name) => existsSync(join(out, name)))
  if (claim !== undefined && kept && claim.setting !== own) {
    throw new StudyError('other-run', {
      message: `${out} holds another study: ${claim.command}`,
      hint: `Give this one a folder of its own, --out ${out}-2 say, or remove ${out}.`,
    })
  }
  await writeFileAtomic(file, `${JSON.stringify({ setting: own, command })}\n`)
}
