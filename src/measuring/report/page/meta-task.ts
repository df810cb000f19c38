/** @file The order of meta-tasks on the page. */

import { metaTaskNames } from '../format.ts'

export function metaTaskRank(metaTask: keyof typeof metaTaskNames): number {
  return Object.keys(metaTaskNames).indexOf(metaTask)
}
