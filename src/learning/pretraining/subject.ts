/** @file A subject of pretraining: the image tower, or a twin. */

import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { TokenizerJson } from '../../inputs/text/byte-level.ts'
import type { CardSubject } from './card.ts'
import type { Gate, GateOptions } from './gates.ts'
import type { SampleAnswer } from './sample-answers.ts'
import type { PretrainingRun } from './tower.ts'
import type { TowerWorld } from './tower-batch.ts'

/** Tensors by canonical name. */
type Parameters = Record<string, Tensor<'f32'>>

interface Training {
  /** Updates. */
  steps: number
  /** Samples an update. */
  batch: number
  seed: number
}

export interface PretrainingSubject {
  readonly name: string
  /** The recipe's defaults. */
  readonly training: Training
  /** Trains to the end, or goes on where a run stopped. @returns the trained parameters */
  train(at: TowerWorld, training: Training, run: PretrainingRun): Promise<Parameters>
  /** Writes the model folder without its card. */
  write(dir: string, trained: Parameters, vocabulary: TokenizerJson): Promise<void>
  /** All parameters of a folder that `write` wrote, widened to f32. */
  read(dir: string): Promise<Parameters>
  /** @param parameters all of the written folder */
  gates(at: TowerWorld, parameters: Parameters, options: GateOptions): Promise<Gate[]>
  /** Answers for the card; none from a model that writes none. */
  answers(at: TowerWorld, parameters: Parameters, options: GateOptions): Promise<SampleAnswer[]>
  readonly card: CardSubject
}
