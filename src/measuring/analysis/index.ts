/**
 * @file Alignment analysis: measures of paired image and text vectors, their intervals, layer
 * curves, a flat map.
 */

export {
  type Alignment,
  type AlignmentOptions,
  analyseAlignment,
  type LayerPairs,
  layerCurves,
} from './alignment.ts'
export type { Pairs } from './geometry.ts'
export { type MapOptions, mapOf } from './map.ts'
export { type Measure, type MeasureName, measureNames, measures } from './measures.ts'
