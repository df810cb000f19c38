/** @file The flags of `eval` as options of the library: a shard keeps them, a merge reads them. */

import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { z } from 'zod'
import { given } from '../foundation/files/options.ts'
import { UsageError } from '../foundation/numeric/errors.ts'
import type { EvaluateOptions } from '../measuring/benchmark/run/options.ts'
import { inMegabytes } from '../models/hub/progress.ts'
import type { CommandIo } from './io.ts'
import { loadFlagsSchema, loadOptionsOf } from './load-flags.ts'

const texts = z.array(z.string()).optional()
const text = z.string().optional()
const number = z.number().optional()

/** Everything that decides a run, as the flags of `eval` have it. */
export const askedSchema = z.strictObject({
  ...loadFlagsSchema.shape,
  models: z.array(z.string()),
  tasks: texts,
  vectors: texts,
  baselines: texts,
  subset: texts,
  images: text,
  kind: z.enum(['classification', 'vqa', 'retrieval']).optional(),
  instruction: text,
  targetInstruction: text,
  split: text,
  columns: z.record(z.string(), z.string()).optional(),
  limit: number,
  budget: number,
  seed: number,
  stray: z.enum(['drop', 'keep', 'token-only']).optional(),
  maxProblems: number,
  strict: z.boolean().optional(),
})
export type Asked = z.infer<typeof askedSchema>

/** Opens the tasks that the flags name, and makes options of the rest. */
export async function evaluationOf(asked: Asked, out: string, io: CommandIo): Promise<EvaluateOptions> {
  const { suitesOf } = await import('../measuring/benchmark/suites/suites.ts')
  const { models, tasks: words = [], vectors, baselines, limit, budget, seed, stray, strict } = asked
  const { dims, maxProblems } = asked
  if (words.length === 0) {
    throw new UsageError('arguments', {
      message: 'no tasks',
      hint: 'Name them: --tasks embedded, --tasks mmeb:FOLDER, or a file of your own.',
    })
  }
  const { subset, images, kind, instruction, targetInstruction, split, columns } = asked
  const tasks = await suitesOf(words, {
    ...given({ subsets: subset, images, kind, instruction, targetInstruction, split, columns }),
    warn: io.warn,
    signal: io.signal,
  })
  const load = loadOptionsOf(asked)
  return {
    out,
    tasks,
    ...given({ models, vectors, baselines, limit, budget, seed, stray, strict, maxProblems }),
    load: {
      ...given({ ...load, readout: given({ ...load.readout, dims }) }),
      onDownload: (at) => io.progress(inMegabytes(at)),
    },
    asked: JSON.parse(JSON.stringify(asked)),
    command: commandOf(asked),
    signal: io.signal,
    onProgress: io.progress,
    warn: io.warn,
  }
}

/** The command, with the names of files in place of their paths on this machine. */
function commandOf({ models, tasks, ...rest }: Asked): string {
  return ['bifocal', 'eval', ...models.map(plain), ...saidFlags({ tasks, ...rest })].join(' ')
}

/** A path by the name of its file. */
function plain(word: string): string {
  return existsSync(word) ? basename(resolve(word)) : word
}

/** Flags with their values, as a command has them; paths of this machine by the names of files. */
export function saidFlags(flags: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    if (value === undefined || value === null || value === false) return []
    if (value === true) return [flag]
    if (Array.isArray(value)) return [flag, ...value.map(plain)]
    if (typeof value === 'object')
      return [
        flag,
        Object.entries(value)
          .map(([part, column]) => `${part}=${column}`)
          .join(','),
      ]
    return [flag, plain(String(value))]
  })
}
