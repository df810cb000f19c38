/**
 * @file The datasets of MMEB: which task each one is, and how MMEB-V2's code puts its texts
 * together.
 * @see specs/vlm2vec-mmeb.md §1.1, §2.4, §2.5, §9
 */

import type { MetaTask } from '../task.ts'

/** Of MMEB-V2's code: one for each way in which texts are put together and candidates are named. */
export type Parser = 'classification' | 'question' | 'text-to-image' | 'image-to-text' | 'image-to-image'

export interface Subset {
  readonly metaTask: MetaTask
  /** Whether MMEB-train has rows of this dataset. */
  readonly domain: 'in' | 'out'
  readonly parser: Parser
  /** Whether it belongs to the published averages. */
  readonly averaged: boolean
}

const list = (names: string, metaTask: MetaTask, domain: 'in' | 'out', parser: Parser): [string, Subset][] =>
  names.split(' ').map((name) => [name, { metaTask, domain, parser, averaged: true }])

/** All datasets, as MMEB-eval calls them. */
export const SUBSETS: ReadonlyMap<string, Subset> = new Map([
  ...list('ImageNet-1K N24News HatefulMemes VOC2007 SUN397', 'classification', 'in', 'classification'),
  ...list('Place365 ImageNet-A ImageNet-R ObjectNet Country211', 'classification', 'out', 'classification'),
  ...list('OK-VQA A-OKVQA DocVQA InfographicsVQA ChartQA Visual7W', 'vqa', 'in', 'question'),
  ...list('ScienceQA VizWiz GQA TextVQA', 'vqa', 'out', 'question'),
  ...list('VisDial VisualNews_t2i MSCOCO_t2i WebQA', 'retrieval', 'in', 'text-to-image'),
  ...list('Wiki-SS-NQ EDIS', 'retrieval', 'out', 'text-to-image'),
  ...list('VisualNews_i2t MSCOCO_i2t', 'retrieval', 'in', 'image-to-text'),
  ...list('CIRR NIGHTS', 'retrieval', 'in', 'image-to-image'),
  ...list('FashionIQ OVEN', 'retrieval', 'out', 'image-to-image'),
  ...list('MSCOCO', 'grounding', 'in', 'image-to-image'),
  ...list('RefCOCO RefCOCO-Matching Visual7W-Pointing', 'grounding', 'out', 'image-to-image'),
])

/** Of a dataset that the table does not have: CIFAR-100 lies in MMEB-eval, and is not averaged. */
const UNKNOWN: Subset = {
  metaTask: 'classification',
  domain: 'out',
  parser: 'classification',
  averaged: false,
}

/** A dataset by its name, in either spelling of MMEB: `ImageNet_1K` of MMEB-train too. */
export function subsetOf(name: string): Subset {
  return SUBSETS.get(name) ?? SUBSETS.get(name.replace(/^ImageNet_/, 'ImageNet-')) ?? UNKNOWN
}

/**
 * The name that MMEB-V2's code tells a candidate by: candidates of one name are one candidate.
 * @param text of the column, not put together
 */
export function candidateName(parser: Parser, text: string, path: string): string {
  if (parser === 'text-to-image') return path
  return parser === 'image-to-image' ? `${path}:${text.replace(/^"+|"+$/g, '')}` : text
}
