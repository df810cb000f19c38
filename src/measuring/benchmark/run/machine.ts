/** @file Facts about the machine that a run was made on, for run.json. */

import { cpus, totalmem } from 'node:os'
import type { LoadOptions } from '../../../models/embedder/subject.ts'
import type { RunRecord } from './files.ts'

export function machineFacts({ device = 'cpu', dtype, threads }: LoadOptions = {}): RunRecord['machine'] {
  const [cpu] = cpus()
  return {
    platform: process.platform,
    arch: process.arch,
    cpu: cpu?.model ?? '',
    cores: Math.max(1, cpus().length),
    memoryBytes: totalmem(),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    device,
    ...(dtype !== undefined && { dtype }),
    ...(threads !== undefined && { threads }),
  }
}
