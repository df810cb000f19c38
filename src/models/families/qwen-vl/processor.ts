/**
 * @file The Qwen family's processor: pictures of their own size, their placeholders repeated for
 * each token, positions in three numbers.
 * @see specs/ar-vlms.md §3.3, §3.5, §3.6
 */

import { z } from 'zod'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { patchProcessor } from '../../../inputs/media/patch-processor.ts'
import { loadTokenizer } from '../../../inputs/text/tokenizer.ts'
import { loadChat } from '../chat.ts'
import { FamilyError } from '../errors.ts'
import type { PreparedItem, Processor } from '../family.ts'
import { loadProcessorConfig } from '../picture-files.ts'
import { requireImageToken, splicePrompt } from '../sequence.ts'
import type { QwenVlConfig } from './config.ts'
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
  const pictures = await loadPatches(dir, config)
  return {
    tokenizer,
    ...chat,
    prepare(prompt, images, options) {
      const patches = images.map((image) => pictures.patches(image))
      const grids = patches.map(({ dims: [rows = 0, columns = 0] }) => ({ rows, columns }))
      const at = { imageId: config.imageTokenId, maxLength: config.text.maxPositions }
      const spliced = splicePrompt(tokenizer, prompt, tableRows(grids), at, options)
      const { merge } = config.vision
      return {
        ...spliced,
        positions: positionsOf(spliced, grids, options?.settings?.mropeMode, config),
        views: patches.flatMap(cellViews),
        visionFeeds: grids.length === 0 ? undefined : towerFeeds(config.vision, grids),
        reported: { image_grid_thw: grids.map(({ rows, columns }) => [1, rows * merge, columns * merge]) },
      }
    },
  }
}

/** The picture processor of the files, which must cut pictures as the tower takes them. */
async function loadPatches(
  dir: string,
  { vision }: QwenVlConfig,
): Promise<ReturnType<typeof patchProcessor>> {
  const settings = await loadProcessorConfig(dir)
  const named = typeSchema.safeParse(settings).data?.image_processor_type ?? undefined
  if (named !== undefined && !/^Qwen\w*VLImageProcessor(Fast)?$/.test(named)) {
    throw new FamilyError('processor', {
      message: `${dir}: expected a Qwen2VLImageProcessor, got ${named}`,
      hint: 'Is the folder of the family that its config.json names?',
    })
  }
  const processor = patchProcessor(settings)
  const { patch, merge, frames } = processor.layout
  if (patch === vision.patch && merge === vision.merge && frames === vision.frames) return processor
  throw new FamilyError('processor', {
    message:
      `${dir}: the processor cuts patches of ${patch}×${patch}×${frames} merged by ${merge}, the tower ` +
      `takes ${vision.patch}×${vision.patch}×${vision.frames} merged by ${vision.merge}`,
    hint: 'Are config.json and preprocessor_config.json from the same repository and revision?',
  })
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

function positionsOf(
  { inputIds, spans }: Pick<PreparedItem, 'inputIds' | 'spans'>,
  grids: readonly Grid[],
  mode: QwenSettings['mropeMode'] = 'reference',
  { visionStartId: startId, imageTokenId: imageId }: QwenVlConfig,
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
