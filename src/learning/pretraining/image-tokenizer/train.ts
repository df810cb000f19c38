/** @file Trains the image tokenizer of the discrete twins. */

import { join } from 'node:path'
import { openSession } from '../../../engine/runtime/session.ts'
import { memoryWeights } from '../../../engine/runtime/weights.ts'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { initialWeights } from '../../../models/families/initial.ts'
import { adamW } from '../../training/adamw.ts'
import { gradientGraph, sessionStep } from '../../training/gradient.ts'
import { train } from '../../training/loop.ts'
import { openOptimizer } from '../../training/optimizer.ts'
import { schedule } from '../../training/schedule.ts'
import { identityOf } from '../identity.ts'
import type { PretrainingRun } from '../tower.ts'
import type { TowerWorld } from '../tower-batch.ts'
import { captionedBatch, codeBatch } from './batch.ts'
import { CAPTIONER } from './caption.ts'
import { openCodeJudge } from './judge.ts'
import { alignedCodeLoss, codeLoss } from './loss.ts'
import {
  CODE_RATE,
  CODE_WARMUP,
  type CodeTraining,
  IMAGE_TOKENIZERS,
  type ImageTokenizer,
  type ImageTokenizerName,
  PLAIN_LATENTS,
} from './shape.ts'

const KINDS = {
  plain: { loss: codeLoss, batch: codeBatch },
  aligned: { loss: alignedCodeLoss, batch: captionedBatch },
} as const

const CLIP = 1
const EVERY = 250

/**
 * Trains to the end of the recipe, or goes on with it.
 * @returns encoder and decoder, in the names of a published image tokenizer; no captioner
 */
export async function trainImageTokenizer(
  name: ImageTokenizerName,
  at: TowerWorld,
  recipe: CodeTraining,
  run: PretrainingRun,
): Promise<Record<string, Tensor<'f32'>>> {
  const { kind, stack }: ImageTokenizer = IMAGE_TOKENIZERS[name]
  const { loss, batch } = KINDS[kind]
  const { compiled, parameters: slots } = gradientGraph((graph) => loss(graph, stack))
  const parameters = initialKernels(initialWeights(slots, { seed: recipe.seed, layers: 1, std: 1 }))
  const session = await openSession(compiled, {
    weights: memoryWeights({}),
    name,
    threads: run.threads,
  })
  const optimizer = await openOptimizer(parameters, [{ rule: adamW(), learningRate: CODE_RATE }])
  const feeds = (step: number) => ({
    ...batch(at, recipe, step),
    signs: f32([], [step < PLAIN_LATENTS ? 0 : 1]),
  })
  const judge = await openCodeJudge(at, stack, recipe.seed, { threads: run.threads })
  const settings = { ...recipe, rate: CODE_RATE, warmup: CODE_WARMUP, clip: CLIP, stack }
  try {
    await train({
      parameters,
      optimizer,
      gradient: sessionStep({ session, parameters, feeds }),
      schedule: schedule({
        steps: recipe.steps,
        warmup: Math.min(CODE_WARMUP, recipe.steps),
        decay: 'cosine',
      }),
      steps: recipe.steps,
      clip: CLIP,
      checkpoint: {
        dir: join(run.workDir, 'snapshots'),
        every: EVERY,
        identity: await identityOf(name, settings, feeds),
      },
      log: join(run.workDir, 'log.jsonl'),
      evaluate: { every: EVERY, run: async () => ({ ...(await judge.measure(parameters, run.signal)) }) },
      signal: run.signal,
      onProgress: run.onProgress,
      warn: run.warn,
    })
  } finally {
    await Promise.all([session.close(), optimizer.close(), judge.close()])
  }
  return Object.fromEntries(Object.entries(parameters).filter(([own]) => !own.startsWith(`${CAPTIONER}.`)))
}

/**
 * Kernels that keep the size of what they read: standard deviation 1 / √(in · kh · kw); matrices
 * too.
 */
function initialKernels(parameters: Record<string, Tensor<'f32'>>): Record<string, Tensor<'f32'>> {
  for (const { dims, data } of Object.values(parameters)) {
    if (dims.length < 2) continue
    const scale = 1 / Math.sqrt(dims.slice(1).reduce((product, dim) => product * dim, 1))
    for (let i = 0; i < data.length; i++) data[i]! *= scale
  }
  return parameters
}
