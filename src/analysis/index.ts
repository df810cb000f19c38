/** @file Alignment analysis: measures of paired image and text vectors, their intervals, layer curves, a flat map. */

export { type Alignment, type AlignmentOptions, analyseAlignment, compareAlignment, type LayerPairs, layerCurves } from './alignment.ts'
export { AnalysisError } from './errors.ts'
export type { Pairs } from './geometry.ts'
export { type MapOptions, mapOf } from './map.ts'
export { type Measure, type MeasureName, measure, measureNames, measures } from './measures.ts'
