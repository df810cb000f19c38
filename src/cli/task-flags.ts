/** @file Flags of `eval` and `study`: how tasks are read, and which rows are scored. */

import { z } from 'zod'
import { type CommandBuilder, wholeNumber } from './command.ts'
import * as flags from './flags.ts'

/** The words of `--tasks`, for the help. */
export const TASK_WORDS =
  'embedded, embedded:full, an embedded task, mmeb:FOLDER, visdoc:FOLDER, hf:ORG/NAME, a task file (.yaml), pairs of your own (.jsonl, .csv, .parquet, a folder of classes, a folder as BEIR has it)'

/** The command with the flags that say how tasks are read. */
export function withTaskFlags<Given>(command: CommandBuilder<Given>) {
  return command
    .option('--subset <names...>', "of MMEB: datasets, averages (CLS, IND), or kinds of tasks ('vqa')")
    .option('--images <path>', 'folder or zip archive of the pictures')
    .option(
      '--kind <kind>',
      'of your own pairs: classification, vqa or retrieval',
      z
        .enum(['classification', 'vqa', 'retrieval'], { error: 'expected classification, vqa or retrieval' })
        .optional(),
    )
    .option(
      '--columns <names>',
      'columns of your own pairs, and what they are: queryImage=scan,target=words',
      flags.pairColumns,
    )
    .option('--instruction <text>', 'for queries that bring none')
    .option('--target-instruction <text>', 'for candidates that bring none')
    .option('--split <name>', 'of a folder as BEIR has it; default test')
}

/** The command with the flags that say which rows are scored. */
export function withRowFlags<Given>(command: CommandBuilder<Given>) {
  return command
    .option('--baselines <names...>', 'pixels, colours, text-only, image-only, shuffled, …')
    .option('--limit <n>', 'rows of each task at most: its first ones', flags.count)
    .option(
      '--stray <reading>',
      'a placeholder of a picture in a text without one: drop (default), keep, token-only',
      z.enum(['drop', 'keep', 'token-only'], { error: 'expected drop, keep or token-only' }).optional(),
    )
    .option('--max-problems <n>', 'rows that may be left out; default 100', wholeNumber(0).optional())
    .option('--strict', 'stop at the first row that cannot be used')
}
