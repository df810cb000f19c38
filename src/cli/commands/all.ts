/**
 * @file All commands, in the order of the help page. Each file holds flags only and imports its
 * library when it runs.
 */

import type { CommandEntry } from '../command.ts'
import { analyze } from './analyze.ts'
import { compare } from './compare.ts'
import { completionCommand } from './completion.ts'
import { drift } from './drift.ts'
import { embed } from './embed.ts'
import { evalCommand } from './eval.ts'
import { exportCommand } from './export.ts'
import { gates } from './gates.ts'
import { inspect } from './inspect.ts'
import { merge } from './merge.ts'
import { mergeRunsCommand } from './merge-runs.ts'
import { mine } from './mine.ts'
import { pretrain } from './pretrain.ts'
import { pull } from './pull.ts'
import { report } from './report.ts'
import { study } from './study.ts'
import { tune } from './tune.ts'
import { verify } from './verify.ts'

const working: readonly CommandEntry[] = [
  study,
  tune,
  mine,
  report,
  merge,
  evalCommand,
  mergeRunsCommand,
  compare,
  drift,
  exportCommand,
  embed,
  analyze,
  inspect,
  verify,
  pull,
  pretrain,
  gates,
]

export const commands: readonly CommandEntry[] = [...working, completionCommand(working)]
