/**
 * @file A family bound to one config: what everything after the families works with, whatever a
 * family's config looks like.
 */

import type { Value } from '../../engine/graph/graph.ts'
import type { Scope } from '../../engine/nn/scope.ts'
import { schemaProblems } from '../../foundation/files/schema-problems.ts'
import type { Tokenizer } from '../../inputs/text/tokenizer.ts'
import { FamilyError } from './errors.ts'
import type {
  DecoderInputs,
  DecoderOptions,
  DecoderPieces,
  DualEncoderFamily,
  DualEncoderProcessor,
  DualEncoderShape,
  Family,
  FamilySettings,
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
  /** See `Family.runtimeName`. */
  runtimeName(name: string): string
}

/** See `VisionLanguageFamily`. */
export interface VisionLanguageModel extends ModelBase {
  readonly kind: 'vision-language'
  readonly shape: VisionLanguageShape
  /**
   * Checks settings that a contract holds for the family.
   * @throws FamilyError `family/settings`
   */
  checkSettings(given: FamilySettings | undefined): void
  buildVision(scope: Scope, pixelValues: Value<'f32'>): VisionPieces
  buildDecoder(scope: Scope, inputs: DecoderInputs, options?: DecoderOptions): DecoderPieces
  processor(dir: string): Promise<Processor>
}

/** See `DualEncoderFamily`. */
export interface DualEncoderModel extends ModelBase {
  readonly kind: 'dual-encoder'
  readonly shape: DualEncoderShape
  buildImage(scope: Scope, pixelValues: Value<'f32'>): { vision: Value<'f32'>; imageEmbeds: Value<'f32'> }
  buildText(
    scope: Scope,
    inputIds: Value<'i64'>,
  ): { layers: Value<'f32'>[]; norm: Value<'f32'>; textEmbeds: Value<'f32'> }
  buildScale(scope: Scope): { scale: Value<'f32'>; bias: Value<'f32'> }
  processor(dir: string): Promise<DualEncoderProcessor>
}

export type Model = VisionLanguageModel | DualEncoderModel

/** @throws FamilyError `family/config` */
export function bindVisionLanguage<Config, Settings>(
  family: VisionLanguageFamily<Config, Settings>,
  json: Readonly<Record<string, unknown>>,
): VisionLanguageModel {
  const config = family.parseConfig(json)
  const shape = family.shape(config)
  return {
    kind: family.kind,
    family: family.name,
    objective: family.objectiveOf?.(config) ?? family.objective,
    shape,
    checkSettings: (given) => {
      parsedSettings(family, given)
    },
    weightSpellings: (name) => family.weightSpellings(name, config),
    runtimeName: (name) => runtimeName(family, config, name),
    buildVision: (scope, pixelValues) => family.buildVision(scope, config, pixelValues),
    buildDecoder: (scope, inputs, options) => family.buildDecoder(scope, config, inputs, options),
    async processor(dir) {
      const processor = await family.processor(dir, config)
      return {
        ...processor,
        prepare(prompt, images, options) {
          const settings = parsedSettings(family, options?.settings)
          const item = processor.prepare(prompt, images, { ...options, settings })
          checkIds(item.inputIds, shape.vocabulary, processor.tokenizer, dir)
          return item
        },
      }
    },
  }
}

/** @throws FamilyError `family/config` */
function bindDualEncoder<Config>(
  family: DualEncoderFamily<Config>,
  json: Readonly<Record<string, unknown>>,
): DualEncoderModel {
  const config = family.parseConfig(json)
  const shape = family.shape(config)
  return {
    kind: family.kind,
    family: family.name,
    objective: family.objectiveOf?.(config) ?? family.objective,
    shape,
    weightSpellings: (name) => family.weightSpellings(name, config),
    runtimeName: (name) => runtimeName(family, config, name),
    buildImage: (scope, pixelValues) => family.buildImage(scope, config, pixelValues),
    buildText: (scope, inputIds) => family.buildText(scope, config, inputIds),
    buildScale: (scope) => family.buildScale(scope, config),
    async processor(dir) {
      const processor = await family.processor(dir, config)
      return {
        ...processor,
        ids(text) {
          const ids = processor.ids(text)
          checkIds(ids, shape.vocabulary, processor.tokenizer, dir)
          return ids
        },
      }
    },
  }
}

/** @throws FamilyError `family/config` */
export function bindFamily<Config, Settings>(
  family: Family<Config, Settings>,
  json: Readonly<Record<string, unknown>>,
): Model {
  return family.kind === 'dual-encoder' ? bindDualEncoder(family, json) : bindVisionLanguage(family, json)
}

function runtimeName<Config>(
  family: Pick<Family<Config>, 'weightSpellings' | 'runtimeName'>,
  config: Config,
  name: string,
): string {
  return family.runtimeName?.(name, config) ?? family.weightSpellings(name, config)[0] ?? name
}

/** @throws FamilyError `family/settings` */
function parsedSettings<Settings>(
  { name, settings: schema }: Pick<VisionLanguageFamily<unknown, Settings>, 'name' | 'settings'>,
  given: FamilySettings | undefined,
): Settings | undefined {
  if (given === undefined || Object.keys(given).length === 0) return undefined
  const parsed = schema?.safeParse(given)
  if (parsed?.success) return parsed.data
  const why = parsed === undefined ? 'this family has no settings of its own' : schemaProblems(parsed.error)
  throw new FamilyError('settings', {
    message: `the settings ${JSON.stringify(given)} are not for a ${name} model: ${why}`,
    hint: 'Change or remove `family` in embedder.json; docs/families says what a family takes.',
  })
}

/**
 * Published tokenizers have added tokens behind the last row of the embedding table; only what an
 * item uses must have one.
 * @throws FamilyError `family/token-id`
 */
function checkIds(ids: readonly number[], vocabulary: number, tokenizer: Tokenizer, where: string): void {
  const beyond = ids.find((id) => id < 0 || id >= vocabulary)
  if (beyond === undefined) return
  throw new FamilyError('token-id', {
    message:
      `${where}: the token ${JSON.stringify(tokenizer.decode([beyond]))} has the id ${beyond}, the ` +
      `model's vocabulary has ${vocabulary} ids, from 0 on`,
    hint: 'Are config.json and the tokenizer from the same repository and revision?',
  })
}
