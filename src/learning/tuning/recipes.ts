/** @file Published settings of contrastive tunings, under names. */

import type { GivenSettings, RecipeName } from './settings.ts'

/** The settings of a recipe: everything but the model, the data and the machine. */
type RecipeSettings = Pick<
  GivenSettings,
  'dev' | 'input' | 'train' | 'loss' | 'batch' | 'optimizer' | 'schedule' | 'steps' | 'clip' | 'seed'
>

export interface Recipe {
  /** Where the settings stand. */
  readonly source: string
  readonly settings: RecipeSettings
}

export const recipes: Readonly<Record<RecipeName, Recipe>> = {
  /**
   * VLM2Vec-V2.0 on Qwen2-VL-2B. `alpha` is 64 in the code and 32 in the paper: this is the code's.
   * @see specs/vlm2vec-mmeb.md §5.1, §5.4–§5.6
   */
  vlm2vec: {
    source: 'VLM2Vec-V2.0 (arXiv 2507.04590; github.com/TIGER-AI-Lab/VLM2Vec)',
    settings: {
      input: { pool: 'last' },
      train: { method: 'lora', rank: 16, alpha: 64, dora: true, dropout: 0.1, targets: 'vlm2vec' },
      loss: { name: 'infonce', temperature: 0.02, symmetric: false, falseNegatives: 'keep' },
      batch: { size: 1024, subBatch: 64, negatives: 0 },
      optimizer: { name: 'adamw', learningRate: 5e-5, weightDecay: 0 },
      schedule: { kind: 'linear', warmup: 100 },
      steps: 5000,
      clip: 1,
      seed: 42,
    },
  },
  /**
   * DiffEmbed on Dream-7B, a text model: 4 pairs a device over several devices; 32 stands for them.
   * @see specs/vlm2vec-mmeb.md §3.3
   */
  diffembed: {
    source: 'DiffEmbed (arXiv 2505.15045)',
    settings: {
      input: { attention: 'bidirectional', pool: 'mean' },
      train: { method: 'lora', rank: 16, alpha: 32, dropout: 0.05, targets: 'decoder' },
      loss: { name: 'infonce', temperature: 0.05, symmetric: false, falseNegatives: 'keep' },
      batch: { size: 32, negatives: 1 },
      optimizer: { name: 'adamw', learningRate: 1e-5 },
      schedule: { kind: 'constant', warmup: 100 },
      seed: 42,
    },
  },
  /**
   * The study's: small models, minutes. At twice Muon's rate, 240 steps were worse than 120.
   * @see specs/twins.md §3.3
   */
  bifocal: {
    source: 'this project: `bifocal study`',
    settings: {
      train: { method: 'lora', rank: 64, alpha: 128, targets: 'decoder' },
      loss: { name: 'infonce', temperature: { start: 0.2, end: 0.02, share: 0.6 }, falseNegatives: 'mask' },
      batch: { size: 48, subBatch: 12, negatives: 1 },
      optimizer: { name: 'muon', scale: 'original', learningRate: 0.01, restLearningRate: 1e-3 },
      schedule: { kind: 'linear', warmup: 0.1, floor: 0.05 },
      steps: 300,
      clip: 1,
      seed: 7,
    },
  },
}
