/** @file `--shard`: which part of the work this machine does. */

import { UsageError } from '../foundation/numeric/errors.ts'

/** Reads `2/4`, counted from 1, or `auto/4`. */
const FORM = /^(auto|\d+)\/(\d+)$/

/**
 * `auto` reads the index that a scheduler gives: Kubernetes' indexed jobs count from 0; a task of a
 * Slurm array counts from the least index of the array.
 * @throws UsageError `usage/option`, `usage/arguments`
 */
export function shardOf(
  given: string | undefined,
  env: Readonly<NodeJS.ProcessEnv>,
): { index: number; of: number } | undefined {
  if (given === undefined) return undefined
  const [, said = '', total = ''] = FORM.exec(given) ?? []
  const of = Number(total)
  const index = said === 'auto' ? scheduled(env) : Number(said)
  if (said !== '' && index >= 1 && index <= of) return { index, of }
  throw new UsageError('option', {
    message:
      said === 'auto'
        ? `--shard ${given}: the scheduler says that this is number ${index}, expected 1 to ${of}`
        : `--shard "${given}": expected i/n with i from 1 to n, or auto/n`,
    hint: 'With four machines: --shard 1/4, 2/4, 3/4 and 4/4, or on each of them --shard auto/4.',
  })
}

/** From 1. */
function scheduled(env: Readonly<NodeJS.ProcessEnv>): number {
  const { JOB_COMPLETION_INDEX: kubernetes, SLURM_ARRAY_TASK_ID: slurm, SLURM_ARRAY_TASK_MIN: least } = env
  if (kubernetes !== undefined && /^\d+$/.test(kubernetes)) return Number(kubernetes) + 1
  if (slurm !== undefined && /^\d+$/.test(slurm)) return Number(slurm) - Number(least ?? 0) + 1
  throw new UsageError('arguments', {
    message: '--shard auto: neither JOB_COMPLETION_INDEX nor SLURM_ARRAY_TASK_ID is set to a number',
    hint: 'auto is for indexed jobs of Kubernetes and arrays of Slurm; elsewhere say which one it is: --shard 1/4.',
  })
}
