/**
 * @file Contracts of published embedders on Qwen's families.
 * @see specs/ar-vlms.md §8; specs/vlm2vec-mmeb.md §3; specs/embedders.md
 */

import { PLAIN_IMAGES, QWEN_ALIGN } from './image-policy.ts'
import { cosines, LAST, MEAN, type Preset, QUESTION, VLM2VEC } from './preset.ts'

const VISION = '<|vision_start|><|image_pad|><|vision_end|>'
/** A chat turn with the generation prompt. */
const chat = (system: string, user: string) =>
  `<|im_start|>system\n${system}<|im_end|>\n<|im_start|>user\n${user}<|im_end|>\n<|im_start|>assistant\n`
const HELPFUL = 'You are a helpful assistant.'
/** GME's end of every prompt, which later embedders took over: its state is the vector. */
const END = '<|endoftext|>'

const unite = (content: string, kind: string) =>
  chat(HELPFUL, `${content}\nSummary above ${kind} in one word:`) + END

/** Of pictures, in the tokens that they become. */
const TOKENS_256_TO_1280 = { factor: 28, minPixels: 256 * 28 * 28, maxPixels: 1280 * 28 * 28 } as const

export const qwenPresets = {
  'vlm2vec-qwen2-vl': {
    repositories: ['TIGER-Lab/VLM2Vec-Qwen2VL-2B', 'TIGER-Lab/VLM2Vec-Qwen2VL-7B'],
    family: 'qwen2-vl',
    verified: false,
    contract: {
      prompt: { template: VLM2VEC, placeholder: '<|image_pad|>' },
      image: { ...PLAIN_IMAGES, squash: { width: 1344, height: 1344 } },
      family: { mropeMode: 'plain' },
      readout: LAST,
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
      readout: LAST,
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
      image: { ...PLAIN_IMAGES, align: QWEN_ALIGN, limit: TOKENS_256_TO_1280 },
      // Its wrapper hands embeddings to the text model, which then counts positions in one
      // dimension.
      family: { mropeMode: 'plain' },
      readout: LAST,
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
      readout: LAST,
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
      readout: MEAN,
    },
  },
  // mteb's ops_mm_models.py, and the authors' ops_mm_embedding_v1.py, which agree.
  'ops-mm-embedding': {
    repositories: ['OpenSearch-AI/Ops-MM-embedding-v1-2B', 'OpenSearch-AI/Ops-MM-embedding-v1-7B'],
    family: 'qwen2-vl',
    verified: false,
    contract: {
      prompt: {
        template: chat('{instruction}', '{image}{text}') + END,
        placeholder: VISION,
        instruction: HELPFUL,
      },
      image: { ...PLAIN_IMAGES, limit: TOKENS_256_TO_1280 },
      // Unlike GME's, its wrapper calls the whole model.
      family: { mropeMode: 'grid' },
      readout: LAST,
    },
  },
  // The authors' rzen_embed_inference.py (github.com/360CVGroup/RzenEmbed); mteb's
  // rzen_embed_model.py agrees. An instruction stands before the text with nothing between.
  rzenembed: {
    repositories: ['qihoo360/RzenEmbed', 'RzenAI/RzenEmbed-v2-7B'],
    family: 'qwen2-vl',
    verified: false,
    contract: {
      prompt: {
        template: chat(HELPFUL, '{image}{instruction}{text}') + END,
        placeholder: VISION,
      },
      image: { ...PLAIN_IMAGES, align: QWEN_ALIGN, limit: TOKENS_256_TO_1280 },
      // It hands embeddings to the text model, as GME's wrapper does.
      family: { mropeMode: 'plain' },
      readout: LAST,
    },
  },
  // The authors' inference demos, prompt_template.py and modeling_unite.py
  // (github.com/friedrichor/UNITE); mteb's unite_models.py agrees, but does not align.
  unite: {
    repositories: [
      'friedrichor/Unite-Base-Qwen2-VL-2B',
      'friedrichor/Unite-Base-Qwen2-VL-7B',
      'friedrichor/Unite-Instruct-Qwen2-VL-2B',
      'friedrichor/Unite-Instruct-Qwen2-VL-7B',
    ],
    family: 'qwen2-vl',
    verified: false,
    contract: {
      prompt: {
        template: {
          text: unite('{text}', 'sentence'),
          image: unite('{image}', 'image'),
          both: unite('{image}{text}', 'sentence and image'),
        },
        placeholder: VISION,
      },
      image: { ...PLAIN_IMAGES, align: QWEN_ALIGN, limit: TOKENS_256_TO_1280 },
      family: { mropeMode: 'plain' },
      readout: LAST,
    },
  },
  // mteb's gve_models.py: the folder's processor with its own limits, the chat template of
  // Qwen2.5-VL. The end token is mteb's finding, whose recall with it is the paper's.
  gve: {
    repositories: ['Alibaba-NLP/GVE-3B', 'Alibaba-NLP/GVE-7B'],
    family: 'qwen2.5-vl',
    verified: false,
    contract: {
      prompt: {
        template: chat('{instruction}', '{image}{text}') + END,
        placeholder: VISION,
        instruction: HELPFUL,
      },
      image: PLAIN_IMAGES,
      family: { mropeMode: 'grid' },
      readout: LAST,
    },
  },
  // BiQwen2_5 of colpali-engine 0.3.9 and 0.3.10, the versions that brought it for these models;
  // 0.3.18 writes no `Query: ` and ten end tokens. Nobody says how a picture with words is put.
  'nomic-embed-multimodal': {
    repositories: ['nomic-ai/nomic-embed-multimodal-3b', 'nomic-ai/nomic-embed-multimodal-7b'],
    family: 'qwen2.5-vl',
    verified: false,
    contract: {
      prompt: {
        template: {
          text: `Query: {text}${END}`,
          image: `<|im_start|>user\n{image}Describe the image.<|im_end|>${END}`,
        },
        placeholder: VISION,
      },
      image: PLAIN_IMAGES,
      family: { mropeMode: 'grid' },
      readout: LAST,
    },
  },
} as const satisfies Readonly<Record<string, Preset>>
