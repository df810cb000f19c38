/** @file Benchmarks: tasks, stored vectors, scores, intervals, controls. */

export { dualEncoder } from './dual-encoder.ts'
export { evaluateTask, type ModelScores, type RowScores, type TaskScores } from './evaluate.ts'
export { pixels, pixelsApply } from './pixels.ts'
export {
  apartScore,
  differenceOver,
  inScope,
  meanOver,
  type Scope,
  scopesOf,
  summariseTask,
  type TaskSummary,
} from './summary.ts'
export {
  itemsOf,
  majorityOf,
  withShuffledPictures,
} from './task.ts'
