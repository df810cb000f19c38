/** @file Facts about the machine and the process, for run.json. */

import { cpus, totalmem } from 'node:os'
import type { StudyRun } from './run.ts'

/** @param engine the settings of the sessions */
export function machineFacts(
  engine: Pick<StudyRun['machine'], 'device' | 'dtype' | 'threads'>,
): Pick<StudyRun, 'machine' | 'peakMemoryBytes'> {
  const [cpu] = cpus()
  return {
    machine: {
      platform: process.platform,
      arch: process.arch,
      cpu: cpu?.model ?? '',
      cores: Math.max(1, cpus().length),
      memoryBytes: totalmem(),
      ...engine,
    },
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  }
}
