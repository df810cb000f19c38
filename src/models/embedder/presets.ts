/**
 * @file Contracts of published embedding models: their prompt, picture policy, positions and
 * readout, as their authors' code has them. None has been compared with the real weights by this
 * project yet: `verified` says so.
 * @see specs/ar-vlms.md §8; specs/vlm2vec-mmeb.md §3; specs/embedders.md
 */

import type { Item } from '../../inputs/data/item.ts'
import type { Contract, LocatedContract } from './contract.ts'
import { EmbedderError } from './errors.ts'
import { PLAIN_IMAGES } from './image-policy.ts'

/** The parts of a contract that a preset decides; the folder keeps the rest. */
type PresetContract = Pick<Contract, 'prompt' | 'image' | 'family' | 'readout' | 'masks'> &
  Partial<Pick<Contract, 'attention'>>

/**
 * Cosines that the authors printed. The picture is not shipped: `assets/example.jpg` of
 * github.com/TIGER-AI-Lab/VLM2Vec.
 */
export interface PublishedCosines {
  readonly query: Pick<Item, 'instruction'>
  readonly candidates: readonly { readonly text: string; readonly cosine: number }[]
  /** They were computed in bfloat16. */
  readonly tolerance: number
  /**
   * The authors' example gave pictures to the processor as they are, whatever their evaluation
   * does.
   */
  readonly plainImages?: true
}

export interface Preset {
  /** Repositories that the preset is for. */
  readonly repositories: readonly string[]
  /** The family of the base model. */
  readonly family: string
  readonly verified: boolean
  readonly contract: PresetContract
  readonly published?: PublishedCosines
}

const last = { layer: 'last', norm: 'after', pool: 'last' } as const
const mean = { layer: 'last', norm: 'after', pool: 'mean' } as const

/**
 * VLM2Vec: no chat template; token, instruction and text with single spaces between. Positions are
 * one-dimensional, as no vision start token stands before a picture.
 */
const VLM2VEC = '{image} {instruction} {text}'
const QUESTION = {
  instruction: 'Represent the given image with the following question: What is in the image',
}
const cosines = (catAndDog: number, catAndTiger: number) => [
  { text: 'A cat and a dog', cosine: catAndDog },
  { text: 'A cat and a tiger', cosine: catAndTiger },
]
const VISION = '<|vision_start|><|image_pad|><|vision_end|>'
/** One word asked for: the state after `Summary above …` is the vector. */
const e5v = (words: string) =>
  `<|start_header_id|>user<|end_header_id|>\n\n${words} in one word: <|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n \n`

const published = {
  'vlm2vec-llava-next': {
    repositories: ['TIGER-Lab/VLM2Vec-LLaVa-Next'],
    family: 'llava-next',
    verified: false,
    contract: {
      prompt: { template: VLM2VEC },
      image: { ...PLAIN_IMAGES, squash: { width: 1344, height: 1344 } },
      readout: last,
    },
    published: { query: QUESTION, candidates: cosines(0.4375, 0.3535), tolerance: 0.02, plainImages: true },
  },
  'vlm2vec-qwen2-vl': {
    repositories: ['TIGER-Lab/VLM2Vec-Qwen2VL-2B', 'TIGER-Lab/VLM2Vec-Qwen2VL-7B'],
    family: 'qwen2-vl',
    verified: false,
    contract: {
      prompt: { template: VLM2VEC, placeholder: '<|image_pad|>' },
      image: { ...PLAIN_IMAGES, squash: { width: 1344, height: 1344 } },
      family: { mropeMode: 'plain' },
      readout: last,
    },
    published: { query: QUESTION, candidates: cosines(0.25, 0.1865), tolerance: 0.02, plainImages: true },
  },
  'vlm2vec-v2': {
    repositories: ['VLM2Vec/VLM2Vec-V2.0', 'TIGER-Lab/VLM2Vec-V2.0'],
    family: 'qwen2-vl',
    verified: false,
    contract: {
      prompt: { template: VLM2VEC, placeholder: '<|image_pad|>' },
      image: {
        ...PLAIN_IMAGES,
        enlarge: { below: 28, to: 56 },
        limit: { factor: 28, minPixels: 4 * 28 * 28, maxPixels: 1280 * 28 * 28 },
      },
      family: { mropeMode: 'plain' },
      readout: last,
    },
    published: { query: QUESTION, candidates: cosines(0.3281, 0.2871), tolerance: 0.02 },
  },
  gme: {
    repositories: ['Alibaba-NLP/gme-Qwen2-VL-2B-Instruct', 'Alibaba-NLP/gme-Qwen2-VL-7B-Instruct'],
    family: 'qwen2-vl',
    verified: false,
    contract: {
      prompt: {
        template:
          '<|im_start|>system\n{instruction}<|im_end|>\n<|im_start|>user\n{image}{text}<|im_end|>\n<|im_start|>assistant\n<|endoftext|>',
        placeholder: VISION,
        instruction: 'You are a helpful assistant.',
      },
      image: { ...PLAIN_IMAGES, limit: { factor: 28, minPixels: 256 * 28 * 28, maxPixels: 1280 * 28 * 28 } },
      // Its wrapper hands embeddings to the text model, which then counts positions in one
      // dimension.
      family: { mropeMode: 'plain' },
      readout: last,
    },
  },
  'e5-v': {
    repositories: ['royokong/e5-v'],
    family: 'llava-next',
    verified: false,
    contract: {
      prompt: {
        template: {
          text: e5v('{text}\nSummary above sentence'),
          image: e5v('{image}\nSummary above image'),
          both: e5v('{image}\n{text}\nSummary above image and text'),
        },
      },
      image: PLAIN_IMAGES,
      readout: last,
    },
  },
  'qwen3-vl-embedding': {
    repositories: ['Qwen/Qwen3-VL-Embedding-2B', 'Qwen/Qwen3-VL-Embedding-8B'],
    family: 'qwen3-vl',
    verified: false,
    contract: {
      prompt: {
        template:
          '<|im_start|>system\n{instruction}<|im_end|>\n<|im_start|>user\n{image}{text}<|im_end|>\n<|im_start|>assistant\n',
        placeholder: VISION,
        instruction: "Represent the user's input.",
        punctuated: true,
      },
      image: { ...PLAIN_IMAGES, limit: { factor: 32, minPixels: 4 * 32 * 32, maxPixels: 1800 * 32 * 32 } },
      family: { mropeMode: 'grid' },
      readout: last,
    },
  },
  moca: {
    repositories: ['moca-embed/MoCa-Qwen25VL-3B'],
    family: 'qwen2.5-vl',
    verified: false,
    contract: {
      prompt: {
        template: {
          text: '{text}',
          image: '{image}Represent the given document image.\n',
          both: '{image}Represent the given image with the following question: {text}\n',
        },
        placeholder: VISION,
      },
      image: {
        ...PLAIN_IMAGES,
        least: 28,
        limit: { factor: 28, minPixels: 256 * 28 * 28, maxPixels: 1024 * 28 * 28 },
      },
      attention: 'bidirectional',
      readout: mean,
    },
  },
  'lavida-zero-shot': {
    // Its weights are LaViDa's own, whose name must not choose it.
    repositories: [],
    family: 'lavida',
    verified: false,
    contract: {
      prompt: {
        template: {
          text: '{text} conclusion this in one sentence.',
          image: '{image}\nDescribe the image in one sentence.',
        },
      },
      image: PLAIN_IMAGES,
      masks: 8,
      readout: mean,
    },
  },
} as const satisfies Readonly<Record<string, Preset>>

export type PresetName = keyof typeof published

export const presets: Readonly<Record<PresetName, Preset>> = published

/** Names of all presets. */
export const presetNames = Object.keys(published).filter((name): name is PresetName => name in published)

/**
 * The preset of a published embedder, known by the names that a user or a file gives it: a
 * repository (`Qwen/Qwen3-VL-Embedding-2B`), its folder in the Hugging Face cache, or a folder of
 * the repository's name.
 * @param family of the model: a preset for another one is none
 */
export function presetFor(names: readonly (string | undefined)[], family: string): PresetName | undefined {
  const given = names.flatMap((name) =>
    name === undefined ? [] : [name.replaceAll('\\', '/').toLowerCase()],
  )
  return presetNames.find(
    (preset) =>
      presets[preset].family === family &&
      presets[preset].repositories.some((repository) => given.some((name) => isOf(name, repository))),
  )
}

function isOf(name: string, repository: string): boolean {
  const wanted = repository.toLowerCase()
  const [owner = '', short = ''] = wanted.split('/')
  const last = name.replace(/\/+$/, '').split('/').at(-1)
  return name === wanted || last === short || name.includes(`/models--${owner}--${short}/`)
}

/**
 * A folder's contract with a preset's prompt, picture policy, positions and readout in place of its
 * own.
 * @throws EmbedderError `embedder/preset-family` for a model of another family
 */
export function withPreset(
  contract: LocatedContract['contract'],
  name: PresetName,
  family: string,
): Contract {
  const { family: wanted, contract: decided } = presets[name]
  if (family !== wanted) {
    throw new EmbedderError('preset-family', {
      message: `preset ${name} is for ${wanted}, the model is of the family ${family}`,
      hint: 'Choose the preset of this model, or the preset none (--preset none) for its chat template.',
    })
  }
  return { ...contract, family: undefined, masks: undefined, ...decided }
}
