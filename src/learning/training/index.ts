/** @file Public surface of training. */

export { type AdamWOptions, adamW } from './adamw.ts'
export { hashArrays, type NamedArrays } from './arrays.ts'
export {
  fedParameters,
  type GradientGraph,
  type GradientStep,
  gradientGraph,
  type Loss,
  outputLoss,
  type SessionStepOptions,
  type StepResult,
  sessionStep,
  stepResultOf,
} from './gradient.ts'
export { type TrainingOptions, type TrainingProgress, type TrainingResult, train } from './loop.ts'
export { type MuonOptions, muon } from './muon.ts'
export { type Optimizer, openOptimizer, type ParameterGroup, type UpdateRule } from './optimizer.ts'
export { type Schedule, type ScheduleOptions, schedule } from './schedule.ts'
export type { Snapshot } from './snapshot.ts'
