/** @file One folder is for one study: `work/study.json` says which. */

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { readJson, writeFileAtomic } from '../../foundation/files/file.ts'
import { StudyError } from './errors.ts'

const claimSchema = z.object({ setting: z.string(), scoring: z.string().optional(), command: z.string() })

/** Results of a whole study. */
const RESULTS = ['results.json', 'run/results.json']

/** Files and folders that a study leaves; without any of them a new study may take the folder. */
const LEFT = [...RESULTS, 'models', 'before/results.json']

interface Claim {
  /** Names everything that decides the results. */
  readonly setting: string
  /**
   * Names what decides the scores of the models as they are. A study with the same ones keeps them,
   * and may have other tunings while none has ended; `tune` refuses those that have begun.
   */
  readonly scoring?: string
}

/**
 * A second study with other models or settings would replace the first one's report and tuned
 * models. A study that left neither gives its folder up.
 * @throws StudyError `study/other-run`
 */
export async function claimFolder(out: string, own: Claim, command: string): Promise<void> {
  const file = join(out, 'work', 'study.json')
  const claim = existsSync(file) ? await readJson(file, claimSchema) : undefined
  const kept = LEFT.some((name) => existsSync(join(out, name)))
  if (claim !== undefined && kept && claim.setting !== own.setting && !goesOn(out, claim, own)) {
    throw new StudyError('other-run', {
      message: `${out} holds another study: ${claim.command}`,
      hint: `Give this one a folder of its own, --out ${out}-2 say, or remove ${out}.`,
    })
  }
  await writeFileAtomic(file, `${JSON.stringify({ ...own, command })}\n`)
}

/** Whether a study that only scored the models as they are goes on with other tunings. */
function goesOn(out: string, before: Claim, own: Claim): boolean {
  if (own.scoring === undefined || own.scoring !== before.scoring) return false
  if (RESULTS.some((name) => existsSync(join(out, name)))) return false
  const models = join(out, 'models')
  return !existsSync(models) || readdirSync(models).every((name) => name.endsWith('.work'))
}
