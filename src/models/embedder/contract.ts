/**
 * @file The embedder's contract, `embedder.json`: everything that turns weights into one particular
 * embedding model. Written beside every tuned model; a plain checkpoint folder has a default one.
 */

import { existsSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { PRECISIONS } from '../../engine/graph/compiled.ts'
import { readJson, writeFileAtomic } from '../../foundation/files/file.ts'
import { shippedNames } from '../../foundation/files/shipped.ts'
import { modelNearby } from '../checkpoint/sub-folders.ts'
import type { Model } from '../families/model.ts'
import { ATTENTION_KINDS } from './attention.ts'
import { EmbedderError } from './errors.ts'
import { imagePolicySchema, PLAIN_IMAGES } from './image-policy.ts'
import { pools, type Readout } from './readout.ts'
import { templateSchema } from './template.ts'

export const CONTRACT = 'embedder.json'
export const CONFIG = 'config.json'

export const readoutSchema = z.strictObject({
  layer: z.union([z.literal('last'), z.literal('inputs'), z.int().nonnegative()]),
  norm: z.enum(['before', 'after']),
  pool: z.enum(pools),
  dims: z.int().positive().optional(),
})

const goldenItemSchema = z.strictObject({
  instruction: z.string().optional(),
  text: z.string().optional(),
  image: z.string().optional(),
})

const promptSchema = z.strictObject({
  /**
   * The finished prompt with the slots `{image}`, `{instruction}`, `{text}`; absent: the
   * checkpoint's chat template.
   */
  template: templateSchema.optional(),
  /** Stands for a picture in the template; default `<image>`. */
  placeholder: z.string().min(1).optional(),
  /** For items that bring no instruction. */
  instruction: z.string().optional(),
  /** An instruction without a punctuation mark at its end gets a full stop. */
  punctuated: z.literal(true).optional(),
  /** Instructions and texts lose the white space at their ends. */
  trimmed: z.literal(true).optional(),
  /** The text of an item that is a picture and nothing else. */
  wordless: z.string().min(1).optional(),
})

const FORMAT = 'bifocal-embedder/2'

const contractShape = z.strictObject({
  format: z.literal(FORMAT),
  /**
   * The checkpoint: its folder relative to this file (`.` where the weights lie beside it), or its
   * name: `org/name` on the hub, `bifocal:name` for a shipped model.
   */
  base: z.strictObject({
    path: z.string().min(1),
    /** Of a name on the hub. */
    revision: z.string().optional(),
    /** `checkpointFingerprint` of the weights: another base is refused. */
    sha256: z.string().optional(),
  }),
  /** PEFT adapter folder, relative to this file. */
  adapter: z.string().min(1).optional(),
  prompt: promptSchema,
  image: imagePolicySchema,
  /** Settings that the model's family alone has: see docs/families. */
  family: z.record(z.string(), z.unknown()).optional(),
  padding: z.literal('right'),
  /** `reference` cuts an item that is too long, as the reference does. */
  truncation: z.enum(['error', 'reference']),
  /** Positions that an item may take; absent: as many as the model has. */
  maxLength: z.int().positive().optional(),
  attention: z.enum(ATTENTION_KINDS),
  /** Positions of a block, for attention by blocks; absent: as the model's config says. */
  blockSize: z.int().positive().optional(),
  /** Mask tokens behind every prompt, whatever the pooling; absent: one for poolings at a mask. */
  masks: z.int().positive().max(1024).optional(),
  readout: readoutSchema,
  normalisation: z.literal('l2'),
  /** How the model was pretrained; absent: as its family was. */
  objective: z.enum(['autoregressive', 'diffusion', 'contrastive']).optional(),
  /** The precision of weights and products; vectors are f32 in any case. */
  dtype: z.enum(PRECISIONS),
  /**
   * Items and their vectors: what `verify` recomputes. Pictures and the vectors' file are relative
   * to this file.
   */
  golden: z
    .strictObject({
      items: z.array(goldenItemSchema).min(1),
      vectors: z.string(),
      tolerance: z.number().positive(),
    })
    .optional(),
})

export type Contract = z.infer<typeof contractShape>

const older = z.looseObject({ format: z.literal('bifocal-embedder/1'), mropeMode: z.unknown().optional() })

/** Version 1 had the one setting of a family among the others; such files are still read. */
const contractSchema = z.preprocess((given) => {
  const found = older.safeParse(given)
  if (!found.success) return given
  const { mropeMode, ...rest } = found.data
  return { ...rest, format: FORMAT, ...(mropeMode === undefined ? {} : { family: { mropeMode } }) }
}, contractShape)

/** A contract and the folders that it names. */
export interface LocatedContract {
  readonly contract: Contract
  /** Where the contract lies. */
  readonly dir: string
  /** The checkpoint folder. */
  readonly base: string
  /** The adapter folder. */
  readonly adapter: string | undefined
}

/**
 * The contract of a folder; undefined for a plain checkpoint, which has none.
 * @param path a folder, or an `embedder.json` itself
 * @throws EmbedderError `embedder/no-model` when there is neither contract nor checkpoint;
 *   FileError `file/schema`
 */
export async function readContract(path: string): Promise<LocatedContract | undefined> {
  const file = path.endsWith('.json') && !isFolder(path) ? path : join(path, CONTRACT)
  if (existsSync(file)) {
    const contract = await readJson(file, contractSchema)
    const dir = dirname(file)
    return {
      contract,
      dir,
      base: resolve(dir, contract.base.path),
      adapter: contract.adapter && resolve(dir, contract.adapter),
    }
  }
  if (existsSync(join(path, CONFIG))) return undefined
  throw new EmbedderError('no-model', {
    message: existsSync(path)
      ? `${path} holds neither ${CONTRACT} nor ${CONFIG}`
      : `there is no folder ${path === '' ? '""' : path}`,
    hint:
      shippedNearby(path) ??
      (await modelNearby(path)) ??
      'Give the folder of a checkpoint or of a tuned model, or a name on the Hugging Face Hub: ORG/NAME.',
  })
}

/** Names the shipped model that was meant, for a name without its scheme. */
function shippedNearby(path: string): string | undefined {
  const name = shippedNames().find((known) => known === path)
  return name && `The shipped model is called bifocal:${name}.`
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory()
}

/** For those who write other files before it. @throws EmbedderError `embedder/contract` */
export function checkContract(contract: Contract): Contract {
  const parsed = contractShape.safeParse(contract)
  if (parsed.success) return parsed.data
  throw new EmbedderError('contract', {
    message: `the ${CONTRACT} to be written has an unexpected form: ${z.prettifyError(parsed.error)}`,
    hint: 'Golden vectors want one item at least, and a tolerance above 0.',
    cause: parsed.error,
  })
}

/** @throws EmbedderError `embedder/contract`; FileError `file/disk-full`, `file/write` */
export async function writeContract(dir: string, contract: Contract): Promise<void> {
  await writeFileAtomic(join(dir, CONTRACT), `${JSON.stringify(checkContract(contract), undefined, 2)}\n`)
}

/**
 * The default readout: the last state sees everything in a causal model only; elsewhere the mean. A
 * dual encoder pools by itself.
 */
function defaultReadout(model: Model): Readout {
  const causal = model.kind === 'vision-language' && model.shape.nativeAttention === 'causal'
  return { layer: 'last', norm: 'after', pool: causal ? 'last' : 'mean' }
}

/** The contract of a plain checkpoint folder, which has none of its own. */
export function defaultContract(model: Model): Contract {
  return {
    format: FORMAT,
    base: { path: '.' },
    prompt: {},
    image: PLAIN_IMAGES,
    padding: 'right',
    truncation: 'error',
    attention: 'native',
    readout: defaultReadout(model),
    normalisation: 'l2',
    dtype: 'f32',
  }
}
