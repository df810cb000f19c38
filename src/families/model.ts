/** @file A family bound to one config: what everything after the families works with, whatever a family's config looks like. */

import type { Value } from '../graph/graph.ts'
import type { Scope } from '../nn/index.ts'
import type {
  DecoderInputs,
  DecoderOptions,
  DecoderPieces,
  DualEncoderFamily,
  DualEncoderProcessor,
  DualEncoderShape,
  Objective,
  Processor,
  VisionLanguageFamily,
  VisionLanguageShape,
  VisionPieces,
} from './family.ts'

interface ModelBase {
  readonly family: string
  readonly objective: Objective
  weightSpellings(name: string): string[]
}

/** See `VisionLanguageFamily`. */
export interface VisionLanguageModel extends ModelBase {
  readonly kind: 'vision-language'
  readonly shape: VisionLanguageShape
  buildVision(scope: Scope, pixelValues: Value<'f32'>): VisionPieces
  buildDecoder(scope: Scope, inputs: DecoderInputs, options?: DecoderOptions): DecoderPieces
  processor(dir: string): Promise<Processor>
}

/** See `DualEncoderFamily`. */
export interface DualEncoderModel extends ModelBase {
  readonly kind: 'dual-encoder'
  readonly shape: DualEncoderShape
  buildImage(scope: Scope, pixelValues: Value<'f32'>): { vision: Value<'f32'>; imageEmbeds: Value<'f32'> }
  buildText(scope: Scope, inputIds: Value<'i64'>): { layers: Value<'f32'>[]; norm: Value<'f32'>; textEmbeds: Value<'f32'> }
  buildScale(scope: Scope): { scale: Value<'f32'>; bias: Value<'f32'> }
  processor(dir: string): Promise<DualEncoderProcessor>
}

export type Model = VisionLanguageModel | DualEncoderModel

/** @throws FamilyError `family/config` */
export function bindVisionLanguage<Config>(
  family: VisionLanguageFamily<Config>,
  json: Readonly<Record<string, unknown>>,
): VisionLanguageModel {
  const config = family.parseConfig(json)
  return {
    kind: family.kind,
    family: family.name,
    objective: family.objective,
    shape: family.shape(config),
    weightSpellings: (name) => family.weightSpellings(name, config),
    buildVision: (scope, pixelValues) => family.buildVision(scope, config, pixelValues),
    buildDecoder: (scope, inputs, options) => family.buildDecoder(scope, config, inputs, options),
    processor: (dir) => family.processor(dir, config),
  }
}

/** @throws FamilyError `family/config` */
export function bindDualEncoder<Config>(family: DualEncoderFamily<Config>, json: Readonly<Record<string, unknown>>): DualEncoderModel {
  const config = family.parseConfig(json)
  return {
    kind: family.kind,
    family: family.name,
    objective: family.objective,
    shape: family.shape(config),
    weightSpellings: (name) => family.weightSpellings(name, config),
    buildImage: (scope, pixelValues) => family.buildImage(scope, config, pixelValues),
    buildText: (scope, inputIds) => family.buildText(scope, config, inputIds),
    buildScale: (scope) => family.buildScale(scope, config),
    processor: (dir) => family.processor(dir, config),
  }
}
