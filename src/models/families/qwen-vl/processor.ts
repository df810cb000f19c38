/**
 * @file The Qwen family's processor: pictures of their own size, their placeholders repeated for
 * each token, positions in three numbers.
 * @see specs/ar-vlms.md §3.3, §3.5, §3.6
 */

import { z } from 'zod'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import type { RgbImage } from '../../../inputs/media/image.ts'
import {
  type PatchProcessor,
  type PatchProcessorOptions,
  patchProcessor,
} from '../../../inputs/media/patch-processor.ts'
import { loadTokenizer } from '../../../inputs/text/tokenizer.ts'
import { loadChat } from '../chat.ts'
import { FamilyError } from '../errors.ts'
import type { PreparedItem, Processor } from '../family.ts'
import { loadProcessorConfig } from '../picture-files.ts'
import { requireImageToken, splicePrompt } from '../sequence.ts'
import type { QwenTowerShape, QwenVlConfig } from './config.ts'
import { towerFeeds } from './geometry.ts'
import { countedImages, type Grid, multiAxisPositions } from './positions.ts'
import type { QwenSettings } from './settings.ts'

const typeSchema = z.looseObject({ image_processor_type: z.string().nullish() })

/**
 * @throws FamilyError `family/special-token`, `family/no-processor`, `family/processor`; TextError
 *   and MediaError for what the files hold
 */
export async function qwenVlProcessor(dir: string, config: QwenVlConfig): Promise<Processor<QwenSettings>> {
  const tokenizer = await loadTokenizer(dir)
  requireImageToken(tokenizer, config.imageTokenId, dir)
  const chat = await loadChat(dir)
  const pictures = await loadPatches(dir, config.vision)
  return {
    tokenizer,
    ...chat,
    prepare(prompt, images, options) {
      const { rows, grids, item } = placePictures(images, pictures.patches, config.vision)
      const at = { imageId: config.imageTokenId, maxLength: config.text.maxPositions }
      const spliced = splicePrompt(tokenizer, prompt, rows, at, options)
      return {
        ...spliced,
        ...item,
        positions: positionsOf(spliced, grids, options?.settings?.mropeMode, config),
      }
    },
  }
}

/** How a family's pictures differ from Qwen2-VL's. */
export interface PatchOptions extends PatchProcessorOptions {
  /** Names of the class in the processor's file; default: those of the Qwen family. */
  readonly named?: RegExp
  /** Replaces the file's limits of pixels, where config.json has its own. */
  readonly limits?: Readonly<Record<'min_pixels' | 'max_pixels', number | undefined>>
}

/**
 * The picture processor of the files, which must cut pictures as the tower takes them.
 * @throws FamilyError `family/no-processor`, `family/processor`; MediaError for what the file holds
 */
export async function loadPatches(
  dir: string,
  vision: Pick<QwenTowerShape, 'patch' | 'merge' | 'frames'>,
  {
    named: allowed = /^Qwen\w*VLImageProcessor(Fast)?$/,
    limits = { min_pixels: undefined, max_pixels: undefined },
    ...options
  }: PatchOptions = {},
): Promise<PatchProcessor> {
  const settings = await loadProcessorConfig(dir)
  const named = typeSchema.safeParse(settings).data?.image_processor_type ?? undefined
  if (named !== undefined && !allowed.test(named)) {
    throw new FamilyError('processor', {
      message: `${dir}: expected a picture processor of the class ${allowed.source}, got ${named}`,
      hint: 'Is the folder of the family that its config.json names?',
    })
  }
  const own = Object.entries(limits).filter(([, limit]) => limit !== undefined)
  const processor = patchProcessor({ ...settings, ...Object.fromEntries(own) }, options)
  const { patch, merge, frames } = processor.layout
  if (patch === vision.patch && merge === vision.merge && frames === vision.frames) return processor
  throw new FamilyError('processor', {
    message:
      `${dir}: the processor cuts patches of ${patch}×${patch}×${frames} merged by ${merge}, the tower ` +
      `takes ${vision.patch}×${vision.patch}×${vision.frames} merged by ${vision.merge}`,
    hint: 'Are config.json and preprocessor_config.json from the same repository and revision?',
  })
}

/** An item's pictures as the tower takes them. */
export interface PlacedPictures {
  /** Each picture's rows of the item's image table. */
  readonly rows: number[][]
  readonly grids: readonly Grid[]
  readonly item: Pick<PreparedItem, 'views' | 'visionFeeds' | 'reported'>
}

/** Cuts an item's pictures into views, and says where their tokens lie. */
export function placePictures(
  images: readonly RgbImage[],
  cut: PatchProcessor['patches'],
  vision: QwenTowerShape,
): PlacedPictures {
  const patches = images.map((image) => cut(image))
  const grids = patches.map(({ dims: [rows = 0, columns = 0] }) => ({ rows, columns }))
  const { merge } = vision
  return {
    rows: tableRows(grids),
    grids,
    item: {
      views: patches.flatMap(cellViews),
      visionFeeds: grids.length === 0 ? undefined : towerFeeds(vision, grids),
      reported: { image_grid_thw: grids.map(({ rows, columns }) => [1, rows * merge, columns * merge]) },
    },
  }
}

/** Each picture's rows of the item's image table: cells in the order of the pictures. */
function tableRows(grids: readonly Grid[]): number[][] {
  let first = 0
  return grids.map(({ rows, columns }) => {
    const start = first
    first += rows * columns
    return Array.from({ length: rows * columns }, (_, cell) => start + cell)
  })
}

/** Positions in three numbers, for those pictures that get rows and columns. */
export function positionsOf(
  { inputIds, spans }: Pick<PreparedItem, 'inputIds' | 'spans'>,
  grids: readonly Grid[],
  mode: QwenSettings['mropeMode'] = 'reference',
  { visionStartId: startId, imageTokenId: imageId }: Pick<QwenVlConfig, 'visionStartId' | 'imageTokenId'>,
): number[][] {
  const counted = {
    reference: () => countedImages(inputIds, { startId, imageId }),
    grid: () => grids.length,
    plain: () => 0,
  }[mode]()
  const placed = spans.image.slice(0, counted).map(([start], i) => ({ start, grid: grids[i]! }))
  return multiAxisPositions(inputIds.length, placed)
}

/**
 * @param patches `[rows, columns, merge², values]` @returns a view `[merge², values]` for each
 *   token
 */
function cellViews({
  dims: [rows = 0, columns = 0, patches = 0, values = 0],
  data,
}: Tensor<'f32'>): Tensor<'f32'>[] {
  const size = patches * values
  return Array.from({ length: rows * columns }, (_, cell) =>
    f32([patches, values], data.subarray(cell * size, (cell + 1) * size)),
  )
}
