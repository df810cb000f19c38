/** @file The trained image tokenizer as a folder, in the layout of MMaDA's. */

import { join } from 'node:path'
import { writeFileAtomic } from '../../../foundation/files/file.ts'
import { toF32 } from '../../../foundation/numeric/float.ts'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { openCheckpoint } from '../../../models/checkpoint/folder.ts'
import { writeSafetensors } from '../../../models/checkpoint/safetensors.ts'
import type { ConvolutionStack } from '../../../models/families/mmada/config.ts'
import { signsOf } from '../../../models/families/mmada/image-tokenizer.ts'
import { codeConfig } from './shape.ts'

type Parameters = Readonly<Record<string, Tensor<'f32'>>>

const WEIGHTS = 'pytorch_model.safetensors'
/** The code book of published files: a buffer that no graph reads. */
const BOOK = 'quantize.embedding'

/** Writes weights in f32: rounded to bf16, signs near 0 would turn, and codes with them. */
export async function writeImageTokenizer(
  dir: string,
  parameters: Parameters,
  stack: ConvolutionStack,
): Promise<void> {
  const { bits } = stack
  const codes = Array.from({ length: 2 ** bits }, (_, code) => code)
  const book = f32(
    [codes.length, bits],
    codes.flatMap((code) => [...signsOf([code], bits, [1, 1])]),
  )
  await writeSafetensors(join(dir, WEIGHTS), { ...parameters, [BOOK]: book }, { format: 'pt' })
  await writeFileAtomic(join(dir, 'config.json'), `${JSON.stringify(codeConfig(stack), undefined, 2)}\n`)
}

/** @throws CheckpointError */
export async function readImageTokenizer(dir: string): Promise<Record<string, Tensor<'f32'>>> {
  const checkpoint = await openCheckpoint(dir, { otherwise: WEIGHTS })
  const names = [...checkpoint.tensors.keys()].filter((name) => name !== BOOK)
  const parameters: Record<string, Tensor<'f32'>> = {}
  for (const name of names) parameters[name] = toF32(await checkpoint.read(name))
  return parameters
}
