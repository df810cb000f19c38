/** @file Public surface of graph building. */

export { gradients, type Seed, vectorJacobian } from './backward.ts'
export { type CompileOptions, compile } from './compile.ts'
export {
  type CompiledGraph,
  type FeedSlot,
  PRECISIONS,
  type Precision,
  type WeightPlacement,
  type WeightSlot,
} from './compiled.ts'
export * from './convolution.ts'
export { costOf, type GraphCost } from './cost.ts'
export { type Dim, evaluateDim, multiplyDims } from './dims.ts'
export * from './elementwise.ts'
export { Graph, isNode, type Node, type ParameterPlacement, type Value } from './graph.ts'
export * from './indexing.ts'
export * from './matmul.ts'
export * from './reduction.ts'
export * from './shaping.ts'
