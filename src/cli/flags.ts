/** @file Flags that several commands share: each name means the same everywhere. */

import { z } from 'zod'
import { MOST_THREADS } from '../foundation/files/options.ts'
import { wholeNumber } from './command.ts'

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `expected one of ${values.join(', ')}` })

export const device = oneOf(['cpu', 'webgpu', 'cuda']).optional()
/** The number format in which weights are held and multiplied. */
export const dtype = oneOf(['f32', 'f16', 'int8']).optional()
export const attention = oneOf(['native', 'causal', 'bidirectional', 'block']).optional()
export const pool = oneOf([
  'last',
  'mean',
  'mean-text',
  'mean-image',
  'mean-tail',
  'weighted',
  'eos',
  'mask',
  'mask-shifted',
]).optional()
export const memory = oneOf(['fast', 'low']).optional()
export const adapterMode = oneOf(['live', 'merged']).optional()
/** An image token in a text without pictures. */
export const stray = oneOf(['refuse', 'keep']).optional()
export const truncation = oneOf(['error', 'reference']).optional()
export const count = wholeNumber(1).optional()
export const threads = wholeNumber(1, MOST_THREADS).optional()
/** A state of the decoder: `inputs`, the number of a layer from 0, or `last`. */
export const layer = z
  .union([z.literal('last'), z.literal('inputs'), wholeNumber(0)], {
    error: 'expected "inputs", the number of a decoder layer from 0, or "last"',
  })
  .optional()
/**
 * Published embedders, see `presets`, named here because the library is not loaded before a command
 * runs; a test compares.
 */
export const preset = oneOf([
  'vlm2vec-llava-next',
  'vlm2vec-qwen2-vl',
  'vlm2vec-v2',
  'gme',
  'e5-v',
  'qwen3-vl-embedding',
  'moca',
  'lavida-zero-shot',
  'ops-mm-embedding',
  'rzenembed',
  'unite',
  'gve',
  'nomic-embed-multimodal',
  'unime-v2-llava-onevision',
  'none',
]).optional()
/** Which of the negatives that may be taken are taken. */
export const sample = oneOf(['top', 'random']).optional()
export const quantize = oneOf(['int8', 'binary']).optional()

/** `text=caption,image=path`: what is which, each part at most once. */
function named<const T extends string>(parts: readonly [T, ...T[]]) {
  const pair = new RegExp(`^(${parts.join('|')})=(.+)$`, 's')
  return z
    .string()
    .transform((given, at) => {
      const pairs = given.split(',').map((one) => pair.exec(one))
      const all = pairs.flatMap((one) => (one === null ? [] : [[one[1] ?? '', one[2] ?? ''] as const]))
      if (all.length === pairs.length && new Set(all.map(([part]) => part)).size === pairs.length)
        return Object.fromEntries(all)
      at.addIssue(
        `expected ${parts.map((part) => `${part}=NAME`).join(', ')}, each at most once, with commas between`,
      )
      return z.NEVER
    })
    .optional()
}

/** Names of an item's parts in a source. */
export const columns = named(['text', 'image', 'instruction', 'id'])
/** Names of a pair's parts in a source: those of `PAIR_FIELDS` that a task can have. */
export const pairColumns = named([
  'query',
  'queryImage',
  'queryInstruction',
  'target',
  'targetImage',
  'targetInstruction',
  'negatives',
  'negativeImages',
])

/** Whether texts without letters are refused or embedded. */
export const blank = oneOf(['refuse', 'embed']).optional()
/** The character between the cells of a table. */
export const delimiter = z
  .string()
  .transform((given) => (given === 'tab' || given === '\\t' ? '\t' : given))
  .refine((given) => given.length === 1, { error: 'expected one character, or "tab"' })
  .optional()
/** The character around the cells of a table; null where there is none. */
export const quote = z
  .string()
  .transform((given) => (given === 'none' ? null : given))
  .refine((given) => given === null || given.length === 1, { error: 'expected one character, or "none"' })
  .optional()

/** A number; the library says which numbers fit. */
export const number = z
  .string()
  .regex(/^-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i, 'expected a number')
  .transform(Number)
  .optional()
/** `64,128`: sizes with commas between. */
export const sizes = z
  .string()
  .regex(/^[1-9]\d*(,[1-9]\d*)*$/, 'expected whole numbers with commas between')
  .transform((given) => given.split(',').map(Number))
  .optional()
export const recipe = oneOf(['vlm2vec', 'diffembed', 'bifocal']).optional()
/** Formats of pairs. */
export const pairFormat = oneOf(['jsonl', 'csv', 'tsv', 'parquet', 'folder', 'mmeb', 'swift']).optional()
export const trained = oneOf(['lora', 'all']).optional()
export const lossName = oneOf(['infonce', 'sigmoid']).optional()
export const falseNegatives = oneOf(['mask', 'keep']).optional()
export const optimizer = oneOf(['adamw', 'muon']).optional()
export const schedule = oneOf(['linear', 'cosine', 'constant']).optional()
export const keep = oneOf(['best', 'last']).optional()
/** Of a tuning: weights in 8 bits have no gradients to speak of. */
export const trainedDtype = oneOf(['f32', 'f16']).optional()
