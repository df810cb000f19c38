/**
 * @file The interface of a model family: graph pieces, names of weights, and a processor that
 * turns an item into arrays.
 */

import type { z } from 'zod'
import type { Value } from '../../engine/graph/graph.ts'
import type { Attention, AttentionPattern } from '../../engine/nn/attention.ts'
import type { Scope } from '../../engine/nn/scope.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { RgbImage } from '../../inputs/media/image.ts'
import type { ChatMessage } from '../../inputs/text/chat-template.ts'
import type { Tokenizer } from '../../inputs/text/tokenizer.ts'
import type { Checkpoint } from '../checkpoint/folder.ts'

/**
 * A second checkpoint that a family needs beside its own, from another repository. See `openModel`.
 */
export interface Companion {
  /** On the Hugging Face hub. */
  readonly repository: string
  /** Names of its folder, within the model's folder or beside it. */
  readonly folders: readonly string[]
  /** Its weight file, where this is not `model.safetensors`. */
  readonly weights?: string
  /** The key of the model's config under which its config.json is joined. */
  readonly configKey: string
  /** Put before the names of its tensors, with a dot. */
  readonly prefix: string
  /** Refuses files that fit by shape but not by content. @throws FamilyError */
  check(companion: Checkpoint): Promise<void>
}

/** The objective of pretraining. */
export type Objective = 'autoregressive' | 'diffusion' | 'contrastive'

interface FamilyBase<Config> {
  readonly name: string
  /** The default of the family's models: a contract may name another. */
  readonly objective: Objective
  /** Where checkpoints of one layout were trained in several ways; default: `objective`. */
  objectiveOf?(config: Config): Objective
  readonly companion?: Companion
  /** Whether a config.json is of this family, judged by `model_type` and `architectures`. */
  matches(json: Readonly<Record<string, unknown>>): boolean
  /**
   * @throws FamilyError `family/config` naming the keys that are missing without a published
   *   default, or is of a wrong form
   */
  parseConfig(json: Readonly<Record<string, unknown>>): Config
  /**
   * Names under which files store a parameter of the graph, most usual first. Parameters carry the
   * family's canonical names.
   */
  weightSpellings(name: string, config: Config): string[]
  /**
   * The name of a parameter in the model as transformers 4.52 and newer (or the authors' code)
   * opens it. PEFT matches and writes these. Default: the first of `weightSpellings`.
   */
  runtimeName?(name: string, config: Config): string
}

/** Sizes that others plan with. */
export interface VisionLanguageShape {
  /** Width of the decoder. */
  readonly hidden: number
  /** Layers of the decoder. */
  readonly layers: number
  /** Heads of its attention that ask, and those that answer. */
  readonly heads: number
  readonly keyValueHeads: number
  /** Rows of the embedding table, and of the head. */
  readonly vocabulary: number
  /**
   * Shape of one view, one element of the tower's first axis: `[channels, height, width]`;
   * where pictures keep their size, the patches of one token, `[patches, values]`.
   */
  readonly view: readonly number[]
  /**
   * Width of the image table where it isn't `hidden`: features for later layers lie beside a
   * token's own (Qwen3-VL), or a row is a code (`imageCodes`).
   */
  readonly rowWidth?: number
  /**
   * Where pictures are ids of the vocabulary (MMaDA): their number. Image rows `[rows, 1]` are then
   * codes, which the decoder adds to `inputIds`: at image positions those hold the id of code 0.
   */
  readonly imageCodes?: number
  /**
   * Numbers that a token's position has, where it is more than one (M-RoPE): the decoder then takes
   * `positions`.
   */
  readonly positionAxes?: number
  /** Positions of a spliced sequence, at most. */
  readonly maxLength: number
  readonly nativeAttention: AttentionPattern
  /** Id of the mask token, where config.json and the tokenizer do not say it plainly. */
  readonly maskId?: number
}

/** The part of a model that sees. */
export interface VisionPieces {
  /**
   * Named results in the order of the computation: `vision`, `projector`, `pooled` where the family
   * pools. `[views, …]` each.
   */
  readonly stages: Readonly<Record<string, Value<'f32'>>>
  /**
   * `[rows, hidden]` (`rowWidth`, where the shape has one): what `imageIndex` points into. All
   * tokens of all views, then what else the family splices in (a newline).
   */
  readonly rows: Value<'f32'>
}

export interface DecoderInputs {
  /**
   * `[batch, seq] i64`; at image positions any id of the vocabulary, or that of code 0
   * (`imageCodes`).
   */
  inputIds: Value<'i64'>
  /** `[batch, seq] i64`, 1 for real tokens, 0 for padding. */
  attentionMask: Value<'i64'>
  /**
   * `[rows, hidden or rowWidth]` and `[batch, seq] i64`, -1 = text: absent together where no item
   * has a picture.
   */
  imageRows?: Value<'f32'>
  imageIndex?: Value<'i64'>
  /**
   * `[axes, batch, seq] i64`, one axis for families without `positionAxes`; absent: 0, 1, … on
   * every axis, which is right for text.
   */
  positions?: Value<'i64'>
}

export interface DecoderOptions {
  /**
   * `native` (default): the mask of the family's training. The others run the same weights under
   * another one.
   */
  attention?: 'native' | Attention
}

/** The part that reads. Nothing is computed that no output asks for. */
export interface DecoderPieces {
  /** `[batch, seq, hidden]` input of the first layer, image rows spliced in. */
  readonly inputs: Value<'f32'>
  /** `[batch, seq, hidden]` after each layer, before the final norm. */
  readonly layers: readonly Value<'f32'>[]
  /** `[batch, seq, hidden]` last layer after the final norm. */
  readonly norm: Value<'f32'>
  /**
   * The same at some positions, `row · seq + at` `[rows] i64` → `[rows, hidden]`: the feed-forward
   * block of the last layer runs for those alone.
   */
  normAt(positions: Value<'i64'>): Value<'f32'>
  /** The final norm on any layer's output. `[…, hidden]` */
  finalNorm(hidden: Value<'f32'>): Value<'f32'>
  /** `[…, hidden]` after the norm → logits `[…, vocabulary]`. */
  head(hidden: Value<'f32'>): Value<'f32'>
}

/** One item as arrays, made by a processor. */
export interface PreparedItem {
  /**
   * One id per position of the spliced sequence; at image positions any id of the vocabulary, or
   * that of code 0 (`imageCodes`).
   */
  inputIds: number[]
  /** For each position, the row of the item's own image table, or -1. */
  imageIndex: number[]
  /** `[3, height, width]` each, of all pictures in order. */
  views: Tensor<'f32'>[]
  /**
   * Further inputs of the tower, by name, for the item's pictures together: what depends on their
   * sizes. An item that has them runs through the tower alone, and its image table is all that the
   * tower gives.
   */
  visionFeeds?: Readonly<Record<string, Tensor>>
  /** For each axis, the positions of the sequence (`positionAxes`). */
  positions?: number[][]
  /**
   * Integers that the reference's processor reports for the item's pictures, by its own name:
   * `image_grid_thw`.
   */
  reported?: Readonly<Record<string, readonly (readonly number[])[]>>
  /** The ids before splicing, -200 for each picture, where the reference reports those (LaViDa). */
  unsplicedIds?: number[]
  spans: {
    /**
     * Half-open ranges of positions. Marks that a family puts around pictures by itself belong to
     * neither.
     */
    text: [start: number, end: number][]
    image: [start: number, end: number][]
    /** First position after the instruction; 0 where none was marked. */
    tailStart: number
  }
}

/** Settings of one family, as a contract holds them. */
export type FamilySettings = Readonly<Record<string, unknown>>

export interface PrepareOptions<Settings = FamilySettings> {
  /** Where the instruction ends in the prompt, in characters. */
  instructionEnd?: number
  /** Ids put after the prompt: mask or end tokens that a readout looks at. */
  appendIds?: readonly number[]
  /**
   * `error` (default) refuses an item longer than the model takes; `reference` cuts it as the
   * reference does.
   */
  truncation?: 'error' | 'reference'
  /** Positions that an item may take, where that is fewer than the model has. */
  maxLength?: number
  /**
   * An image token in a prompt without pictures: `refuse` (default), or `keep` it as a plain token
   * of the vocabulary, without any picture's features. A family whose placeholder is no token of
   * its vocabulary refuses it always.
   */
  stray?: 'refuse' | 'keep'
  /** Settings that the family alone has: see `VisionLanguageFamily.settings`. */
  settings?: Settings
}

/** An item to embed, before the template: `<image>` placeholders are added by the processor. */
export interface PromptParts {
  instruction?: string
  text?: string
  /** Number of pictures. */
  images: number
}

export interface Processor<Settings = FamilySettings> {
  readonly tokenizer: Tokenizer
  /**
   * The prompt of a conversation by the checkpoint's chat template.
   * @throws FamilyError `family/no-template` when the folder has none; TextError
   *   `text/chat-messages`
   */
  render(messages: readonly ChatMessage[]): string
  /** The family's prompt for one item to embed, and where the instruction ends in it. */
  prompt(parts: PromptParts): { prompt: string; instructionEnd: number }
  /**
   * @param prompt the final string, one placeholder for each picture
   * @throws FamilyError `family/image-count`, `family/too-long`, `family/empty`
   */
  prepare(prompt: string, images: readonly RgbImage[], options?: PrepareOptions<Settings>): PreparedItem
}

/** Tower, projector and decoder: pieces that run apart, joined by arrays, or in one graph. */
export interface VisionLanguageFamily<Config, Settings = FamilySettings> extends FamilyBase<Config> {
  readonly kind: 'vision-language'
  /** Settings that a contract may hold for this family alone, under `family`; default none. */
  readonly settings?: z.ZodType<Settings>
  shape(config: Config): VisionLanguageShape
  /**
   * May declare further inputs of the graph: those that `PreparedItem.visionFeeds` feeds.
   * @param pixelValues `[views, channels, height, width]`
   */
  buildVision(scope: Scope, config: Config, pixelValues: Value<'f32'>): VisionPieces
  buildDecoder(scope: Scope, config: Config, inputs: DecoderInputs, options?: DecoderOptions): DecoderPieces
  processor(dir: string, config: Config): Promise<Processor<Settings>>
}

export interface DualEncoderShape {
  /** Width of the shared space. */
  readonly dims: number
  readonly view: readonly [number, number, number]
  /** Every text has exactly this many positions. */
  readonly textLength: number
  readonly textLayers: number
  readonly vocabulary: number
}

export interface DualEncoderProcessor {
  readonly tokenizer: Tokenizer
  /** Padded and cut to the length of the text tower; the end token stays. */
  ids(text: string): number[]
  /** `[3, height, width]`. */
  pixels(image: RgbImage): Tensor<'f32'>
}

/** Two towers into one space. */
export interface DualEncoderFamily<Config> extends FamilyBase<Config> {
  readonly kind: 'dual-encoder'
  shape(config: Config): DualEncoderShape
  /**
   * @param pixelValues `[batch, channels, height, width]` @returns `vision`
   *   `[batch, tokens, width]`, `imageEmbeds` `[batch, dims]`, unit length
   */
  buildImage(
    scope: Scope,
    config: Config,
    pixelValues: Value<'f32'>,
  ): { vision: Value<'f32'>; imageEmbeds: Value<'f32'> }
  /**
   * @param inputIds `[batch, textLength] i64` @returns `textEmbeds` `[batch, dims]`, unit length
   */
  buildText(
    scope: Scope,
    config: Config,
    inputIds: Value<'i64'>,
  ): { layers: Value<'f32'>[]; norm: Value<'f32'>; textEmbeds: Value<'f32'> }
  /**
   * `exp(logit_scale)` and `logit_bias` of the published loss, scalars; trained in pretraining
   * only.
   */
  buildScale(scope: Scope, config: Config): { scale: Value<'f32'>; bias: Value<'f32'> }
  processor(dir: string, config: Config): Promise<DualEncoderProcessor>
}

export type Family<Config, Settings = FamilySettings> =
  | VisionLanguageFamily<Config, Settings>
  | DualEncoderFamily<Config>
