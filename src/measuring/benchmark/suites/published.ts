/**
 * @file Scores that others published on MMEB, in percent, each with its source. Cells that
 * contradict the other figures of their own source are left out.
 * @see specs/vlm2vec-mmeb.md §6
 */

import type { Average } from '../averages.ts'
import type { PublishedScore } from './suite.ts'

const P1 = 'Jiang et al. 2025, arXiv 2410.05160'
const S2 = 'scores in github.com/TIGER-AI-Lab/VLM2Vec, v2.0.1'
const C1 = 'README of github.com/TIGER-AI-Lab/VLM2Vec, branch v1'
const LLAVE = 'Lan et al. 2025, arXiv 2503.04812'
const UNIME2 = 'UniME-V2, AAAI 2026'
const B3 = 'B3, NeurIPS 2025'
const LB = 'MMEB leaderboard, huggingface.co/spaces/TIGER-Lab/MMEB-Leaderboard'

/**
 * The metric of a source: VLM2Vec's first code lets the first of tied candidates win, its second
 * one leaves their order open.
 */
const METRIC: Readonly<Record<string, string>> = { [S2]: 'hit1' }
const FIRST_WINS = 'firstWins'

/** Models whose scores on each dataset were published: columns of the table below. */
const COLUMNS = [
  { model: 'openai/clip-vit-large-patch14', label: 'CLIP (ViT-L/14)', source: P1 },
  { model: null, label: 'OpenCLIP', source: P1 },
  { model: 'TIGER-Lab/VLM2Vec-LLaVa-Next', label: 'VLM2Vec, LLaVA-1.6', source: P1 },
  { model: 'TIGER-Lab/VLM2Vec-Qwen2VL-2B', label: 'VLM2Vec, Qwen2-VL-2B', source: S2 },
  { model: 'TIGER-Lab/VLM2Vec-Qwen2VL-7B', label: 'VLM2Vec, Qwen2-VL-7B', source: S2 },
  { model: 'VLM2Vec/VLM2Vec-V2.0', label: 'VLM2Vec-V2.0', source: S2 },
  { model: 'Alibaba-NLP/gme-Qwen2-VL-2B-Instruct', label: 'GME, Qwen2-VL-2B', source: S2 },
  { model: 'Alibaba-NLP/gme-Qwen2-VL-7B-Instruct', label: 'GME, Qwen2-VL-7B', source: S2 },
] as const

/** hit@1 in percent, in the order of `COLUMNS`. */
const DATASETS: Readonly<Record<string, readonly number[]>> = {
  'ImageNet-1K': [55.8, 63.5, 74.5, 77.5, 80.2, 80.8, 58.1, 64.7],
  N24News: [34.7, 38.6, 80.3, 73.8, 79.5, 73.0, 50.3, 50.3],
  HatefulMemes: [51.1, 51.7, 67.9, 57.9, 70.3, 55.8, 53.7, 53.9],
  VOC2007: [50.7, 52.4, 91.5, 74.3, 80.6, 84.9, 75.8, 80.1],
  SUN397: [43.4, 68.8, 75.8, 73.7, 77.3, 70.9, 67.0, 69.4],
  Place365: [28.5, 37.8, 44.0, 35.0, 37.2, 36.1, 36.1, 39.1],
  'ImageNet-A': [25.5, 14.2, 43.6, 50.6, 57.6, 47.6, 28.4, 40.6],
  'ImageNet-R': [75.6, 83.0, 79.8, 84.7, 74.2, 89.3, 78.5, 83.9],
  ObjectNet: [43.4, 51.4, 39.6, 36.9, 40.5, 65.1, 71.2, 69.0],
  Country211: [19.2, 16.8, 14.7, 21.7, 30.2, 25.8, 26.4, 24.6],
  'OK-VQA': [7.5, 11.5, 69.0, 48.2, 56.8, 51.7, 30.1, 33.1],
  'A-OKVQA': [3.8, 3.3, 54.4, 39.7, 47.5, 44.0, 18.6, 20.8],
  DocVQA: [4.0, 5.3, 52.0, 82.7, 88.8, 90.1, 30.0, 41.1],
  InfographicsVQA: [4.6, 4.6, 30.7, 47.3, 59.0, 59.1, 11.8, 20.5],
  ChartQA: [1.4, 1.5, 34.8, 42.2, 56.6, 48.1, 13.3, 17.7],
  Visual7W: [4.0, 2.6, 49.8, 50.9, 52.7, 52.8, 15.6, 22.2],
  ScienceQA: [9.4, 10.2, 42.1, 30.5, 38.2, 38.1, 27.1, 28.2],
  VizWiz: [8.2, 6.6, 43.0, 38.8, 39.6, 43.3, 37.1, 38.9],
  GQA: [41.3, 52.5, 61.2, 48.1, 54.4, 65.4, 75.3, 76.8],
  TextVQA: [7.0, 10.9, 62.0, 63.2, 71.6, 71.6, 39.5, 46.4],
  VisDial: [30.7, 25.4, 80.9, 75.1, 81.6, 82.7, 47.7, 60.9],
  CIRR: [12.6, 15.4, 49.9, 46.8, 51.4, 57.3, 43.1, 54.9],
  VisualNews_t2i: [78.9, 74.0, 75.4, 73.4, 80.3, 74.7, 74.8, 79.5],
  VisualNews_i2t: [79.6, 78.0, 80.0, 73.8, 81.2, 78.3, 77.7, 83.6],
  MSCOCO_t2i: [59.5, 63.6, 75.7, 73.1, 77.5, 75.9, 68.3, 71.5],
  MSCOCO_i2t: [57.7, 62.1, 73.1, 68.3, 73.6, 71.1, 63.2, 57.4],
  NIGHTS: [60.4, 66.1, 65.5, 65.8, 67.5, 68.4, 67.6, 67.6],
  WebQA: [67.5, 62.1, 87.6, 85.8, 88.3, 90.6, 88.8, 91.3],
  FashionIQ: [11.4, 13.8, 16.2, 13.8, 16.8, 19.6, 32.2, 37.6],
  'Wiki-SS-NQ': [55.0, 44.6, 60.2, 54.6, 62.1, 67.6, 73.8, 78.4],
  OVEN: [41.1, 45.0, 56.5, 68.4, 66.6, 64.8, 72.1, 75.6],
  EDIS: [81.0, 77.5, 87.8, 81.4, 85.9, 84.2, 91.7, 96.1],
  MSCOCO: [33.8, 34.5, 80.6, 65.7, 75.4, 66.2, 28.4, 31.4],
  RefCOCO: [56.9, 54.2, 88.7, 80.8, 87.1, 87.0, 55.8, 61.2],
  'RefCOCO-Matching': [61.3, 68.3, 84.0, 76.6, 84.4, 86.3, 73.7, 78.7],
  'Visual7W-Pointing': [55.1, 56.3, 90.9, 69.1, 80.7, 69.0, 64.6, 66.5],
}

/** Names of the datasets, in the order of the published tables. */
export const PUBLISHED_ORDER: readonly string[] = Object.keys(DATASETS)

type Averages = readonly [
  CLS: number | null,
  VQA: number | null,
  RET: number | null,
  VG: number | null,
  IND: number | null,
  OOD: number | null,
  overall: number,
]
const ORDER: readonly Average[] = ['CLS', 'VQA', 'RET', 'VG', 'IND', 'OOD', 'overall']

/** A model, its name on the hub where that is known, the source, and its averages. */
const MODELS: readonly (readonly [
  label: string,
  model: string | null,
  source: string,
  averages: Averages,
])[] = [
  ['CLIP (ViT-L/14)', 'openai/clip-vit-large-patch14', P1, [42.8, 9.1, 53.0, 51.8, 37.1, 38.7, 37.8]],
  ['OpenCLIP', null, P1, [47.8, 10.9, 52.3, 53.3, 39.3, 40.2, 39.7]],
  // Its cell for retrieval, 31.6, is not the mean of its datasets.
  ['SigLIP', 'google/siglip-base-patch16-224', P1, [40.3, 8.4, null, 59.5, 32.3, 38.0, 34.8]],
  ['BLIP2', 'Salesforce/blip2-opt-2.7b', P1, [27.0, 4.2, 33.9, 47.0, 25.3, 25.1, 25.2]],
  ['MagicLens (CLIP-L)', null, P1, [38.8, 8.3, 35.4, 26.0, 31.0, 23.7, 27.8]],
  ['E5-V, as run by VLM2Vec', 'royokong/e5-v', P1, [21.8, 4.9, 11.5, 19.0, 14.9, 11.5, 13.3]],
  // Printed as 37.5, the mean of the four kinds of tasks.
  ['E5-V, as run by UniME', 'royokong/e5-v', UNIME2, [39.7, 10.8, 39.4, 60.2, 34.2, 33.4, 33.8]],
  ['UniIR (BLIP_FF)', null, P1, [42.1, 15.0, 60.1, 62.2, 44.7, 40.4, 42.8]],
  // Its cells for grounding and for all do not fit its datasets (44.3 from these).
  ['UniIR (CLIP_SF)', null, P1, [44.3, 16.2, 61.8, null, 47.1, 41.7, 44.7]],
  ['CLIP, tuned on MMEB', null, P1, [55.2, 19.7, 53.2, 62.2, 47.6, 42.8, 45.4]],
  ['OpenCLIP, tuned on MMEB', null, P1, [56.0, 21.9, 55.4, 64.1, 50.5, 43.1, 47.2]],
  [
    'VLM2Vec, Phi-3.5-V, all weights',
    'TIGER-Lab/VLM2Vec-Full',
    P1,
    [52.8, 50.3, 57.8, 72.3, 62.8, 47.4, 55.9],
  ],
  ['VLM2Vec, Phi-3.5-V, LoRA', 'TIGER-Lab/VLM2Vec-LoRA', P1, [54.8, 54.9, 62.3, 79.5, 66.5, 52.0, 60.1]],
  ['VLM2Vec, LLaVA-1.6, 336 pixels', null, P1, [54.7, 50.3, 56.2, 64.0, 61.0, 47.5, 55.0]],
  ['VLM2Vec, LLaVA-1.6', 'TIGER-Lab/VLM2Vec-LLaVa-Next', P1, [61.2, 49.9, 67.4, 86.1, 67.5, 57.1, 62.9]],
  ['VLM2Vec, Qwen2-VL-2B', 'TIGER-Lab/VLM2Vec-Qwen2VL-2B', LLAVE, [59.0, 49.4, 65.4, 73.4, 66.0, 52.6, 60.1]],
  ['VLM2Vec, Qwen2-VL-2B', 'TIGER-Lab/VLM2Vec-Qwen2VL-2B', S2, [58.6, 49.2, 65.0, 73.1, 64.8, 53.4, 59.7]],
  ['VLM2Vec, Qwen2-VL-7B', 'TIGER-Lab/VLM2Vec-Qwen2VL-7B', C1, [62.6, 57.8, 69.9, 81.7, 72.2, 57.8, 65.8]],
  ['VLM2Vec, Qwen2-VL-7B', 'TIGER-Lab/VLM2Vec-Qwen2VL-7B', S2, [62.8, 56.5, 69.4, 81.9, 71.3, 57.9, 65.4]],
  ['VLM2Vec-V2.0', 'VLM2Vec/VLM2Vec-V2.0', S2, [62.9, 56.4, 69.6, 77.1, 68.8, 60.1, 64.9]],
  ['VLM2Vec on LLaVA-OV-0.5B', null, LLAVE, [54.6, 44.7, 56.8, 76.5, 59.8, 49.1, 55.0]],
  ['VLM2Vec on Aquila-VL-2B', null, LLAVE, [61.1, 57.3, 62.1, 85.5, 67.2, 58.1, 63.1]],
  ['VLM2Vec on LLaVA-OV-7B', null, LLAVE, [63.5, 61.1, 64.5, 87.3, 69.7, 61.0, 65.8]],
  ['LLaVE-0.5B', null, LLAVE, [57.4, 50.3, 59.8, 82.9, 64.7, 52.0, 59.1]],
  ['LLaVE-2B', null, LLAVE, [62.1, 60.2, 65.2, 84.9, 69.4, 59.8, 65.2]],
  ['LLaVE-7B', null, LLAVE, [65.7, 65.4, 70.9, 91.9, 75.0, 64.4, 70.3]],
  [
    'GME, Qwen2-VL-2B',
    'Alibaba-NLP/gme-Qwen2-VL-2B-Instruct',
    S2,
    [54.6, 29.8, 66.8, 55.6, 49.2, 55.2, 51.9],
  ],
  [
    'GME, Qwen2-VL-2B',
    'Alibaba-NLP/gme-Qwen2-VL-2B-Instruct',
    LB,
    [56.9, 41.2, 67.8, 53.4, null, null, 55.8],
  ],
  [
    'GME, Qwen2-VL-7B',
    'Alibaba-NLP/gme-Qwen2-VL-7B-Instruct',
    S2,
    [57.6, 34.6, 71.2, 59.5, 53.6, 58.9, 55.9],
  ],
  ['LamRA-Ret (Qwen2-VL-7B)', null, S2, [59.3, 26.5, 70.1, 62.6, 53.1, 55.4, 54.1]],
  ['MM-Embed', null, LB, [48.1, 32.3, 63.8, 57.8, null, null, 50.0]],
  ['MMRet (LLaVA-1.6), zero-shot', null, LB, [47.2, 18.4, 56.5, 62.2, null, null, 44.0]],
  ['MMRet (LLaVA-1.6), tuned', null, LB, [56.0, 57.4, 69.9, 83.6, 68.0, 59.1, 64.1]],
  // Printed as 64.2 and 66.6, the means of the four kinds of tasks.
  ['UniME, Phi-3.5-V', null, LB, [54.8, 55.9, 64.5, 81.8, 68.2, 52.7, 61.3]],
  ['UniME, LLaVA-1.6-7B, 336 pixels', null, LB, [60.6, 52.9, 67.9, 85.1, null, null, 63.6]],
  ['UniME, LLaVA-OV-7B', null, LB, [66.8, 66.6, 70.5, 90.9, 74.6, 65.8, 70.7]],
  ['UniME, Qwen2-VL-2B', null, UNIME2, [59.0, 53.4, 64.9, 69.6, 65.5, 54.6, 60.6]],
  ['UniME, Qwen2-VL-7B', null, UNIME2, [64.7, 59.0, 71.6, 82.7, 72.2, 61.4, 67.4]],
  ['UniME-V2, Qwen2-VL-2B', null, UNIME2, [62.1, 56.3, 68.0, 72.7, 67.4, 58.9, 63.6]],
  ['UniME-V2, Qwen2-VL-7B', null, UNIME2, [64.0, 60.1, 73.1, 82.8, 72.0, 63.0, 68.0]],
  ['UniME-V2, LLaVA-OV-7B', null, UNIME2, [65.3, 67.6, 72.9, 90.2, 74.8, 66.7, 71.2]],
  ['mmE5 (mllama-11B)', null, LB, [67.6, 62.6, 71.0, 89.6, 72.3, 66.7, 69.8]],
  ['mmE5, synthetic data only', null, LB, [60.6, 55.7, 54.7, 72.4, null, null, 58.6]],
  ['QQMM-embed (LLaVA-OV-7B)', null, UNIME2, [66.8, 66.8, 70.5, 90.4, 74.7, 65.6, 70.7]],
  ['QQMM-embed (LLaVA-OV-7B)', null, LB, [70.1, 69.5, 71.2, 87.1, null, null, 72.2]],
  ['B3, InternVL3-2B', null, B3, [62.6, 64.0, 69.0, 86.9, 73.5, 60.8, 67.8]],
  ['B3, InternVL3-7B', null, B3, [65.0, 68.8, 73.2, 91.8, 77.6, 64.5, 71.8]],
  ['B3++, Qwen2-VL-2B', null, B3, [67.0, 61.2, 70.9, 79.9, 72.1, 63.1, 68.1]],
  ['B3++, Qwen2-VL-7B', null, B3, [70.0, 66.5, 74.1, 84.6, 75.9, 67.1, 72.0]],
]

/** Published scores of a dataset, of models that have a name on the hub. */
export function publishedFor(dataset: string): PublishedScore[] {
  const scores = DATASETS[dataset] ?? []
  return COLUMNS.flatMap(({ model, source }, i): PublishedScore[] => {
    const percent = scores[i]
    return model === null || percent === undefined ? [] : [scoreOf(model, source, percent)]
  })
}

/** A published average of a model. */
export interface PublishedAverage extends Omit<PublishedScore, 'model'> {
  /** The model in words. */
  readonly label: string
  /** Its name on the hub, where that is known. */
  readonly model: string | null
}

/** All published figures of an average: of every model, in the order of their sources. */
export function publishedAverages(name: Average): PublishedAverage[] {
  const at = ORDER.indexOf(name)
  return MODELS.flatMap(([label, model, source, averages]): PublishedAverage[] => {
    const percent = averages[at]
    return typeof percent === 'number' ? [{ ...scoreOf('', source, percent), label, model }] : []
  })
}

function scoreOf(model: string, source: string, percent: number): PublishedScore {
  // Of a percentage with one decimal: 37.8 / 100 would be 0.37799999999999995.
  return { model, source, metric: METRIC[source] ?? FIRST_WINS, score: Math.round(percent * 10) / 1000 }
}
