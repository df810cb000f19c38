/** @file Layers: weights by name, attention, positions, norms, feed-forward blocks, patches. */

export { ACTIVATIONS, type ActivationName, activate } from './activation.ts'
export {
  type AttentionContext,
  type AttentionNames,
  type AttentionPattern,
  type AttentionShape,
  attend,
  attentionMask,
  selfAttention,
  splitHeads,
} from './attention.ts'
export { type GatedMlpNames, gatedMlp, type MlpShape, mlp } from './mlp.ts'
export { layerNorm, rmsNorm } from './norm.ts'
export { type PatchShape, patchEmbedding } from './patch-embedding.ts'
export {
  multiAxisRotary,
  plainFrequencies,
  type Rotary,
  type RotaryScaling,
  type RotaryShape,
  rotaryOf,
  rotate,
} from './rotary.ts'
export { type LinearOptions, type LowRank, rootScope, type Scope, type ScopeOptions } from './scope.ts'
