/** @file Public surface of contrastive tuning. */

export { TuningError } from './errors.ts'
export { type InfoNceOptions, infoNce, type MatryoshkaOptions, matryoshka, type SigmoidLossOptions, sigmoidLoss } from './losses.ts'
export { type SampledPair, type SampledTask, type Sampler, type SamplerOptions, sampler } from './sampler.ts'
export { verifyLosses } from './verify.ts'
