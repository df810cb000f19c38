/** @file Public surface of contrastive tuning. */

export {
  type AdaptedLayer,
  type Adapter,
  type AdapterConfig,
  adapterParameters,
  type InitialAdapterOptions,
  initialAdapter,
  type LowRankUpdate,
  mergeAdapter,
} from './adapter.ts'
export { readAdapter, writeAdapter } from './adapter-folder.ts'
export { TuningError } from './errors.ts'
export { type InfoNceOptions, infoNce, type MatryoshkaOptions, matryoshka, type SigmoidLossOptions, sigmoidLoss } from './losses.ts'
export { type SampledPair, type SampledTask, type Sampler, type SamplerOptions, sampler } from './sampler.ts'
export { verifyLosses } from './verify.ts'
