/** @file The picture processor that a checkpoint folder names. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { jsonObject, readJson } from '../../foundation/files/file.ts'
import { clipProcessor, type ImageProcessor, siglipProcessor } from '../../inputs/media/processors.ts'
import { FamilyError } from './errors.ts'

const processors: Readonly<Record<string, (config: unknown) => ImageProcessor>> = {
  clip: clipProcessor,
  siglip: siglipProcessor,
}

const typeSchema = z.looseObject({ image_processor_type: z.string().nullish() })

/**
 * Reads `preprocessor_config.json`, or the `image_processor` of `processor_config.json` where newer
 * releases put it.
 * @param fallback the processor of the tower, for files that do not name a class
 * @param side     of the tower's view, in pixels
 * @throws FamilyError `family/no-processor`, `family/processor`, `family/view-size`; MediaError
 *   `media/processor-config`
 */
export async function loadPictureProcessor(
  dir: string,
  fallback: 'clip' | 'siglip',
  side: number,
): Promise<ImageProcessor> {
  const config = await loadProcessorConfig(dir)
  const named = typeSchema.safeParse(config).data?.image_processor_type ?? undefined
  const kind =
    named === undefined ? fallback : /^(CLIP|Siglip)ImageProcessor(Fast)?$/.exec(named)?.[1]?.toLowerCase()
  const make = kind === undefined ? undefined : processors[kind]
  if (make !== undefined) return fixedViews(dir, make(config), side)
  throw new FamilyError('processor', {
    message: `${dir}: expected a CLIPImageProcessor or SiglipImageProcessor, got ${named}`,
    hint: 'Is the folder of the family that its config.json names?',
  })
}

/**
 * The picture processor's settings, wherever the release put them.
 * @throws FamilyError `family/no-processor`
 */
export async function loadProcessorConfig(dir: string): Promise<Record<string, unknown>> {
  const [own, joint] = [join(dir, 'preprocessor_config.json'), join(dir, 'processor_config.json')]
  if (existsSync(own)) return await readJson(own, jsonObject)
  const inner = existsSync(joint)
    ? jsonObject.safeParse((await readJson(joint, jsonObject)).image_processor).data
    : undefined
  if (inner !== undefined) return inner
  throw new FamilyError('no-processor', {
    message: `${dir} has no preprocessor_config.json`,
    hint: 'Fetch the processor file of the checkpoint too: it says how pictures are resized and normalised.',
  })
}

/**
 * A processor whose every view is a square of `side` pixels. It is tried once, on a picture that
 * has this size already, so that files of another size are told before the first item; without a
 * crop a view's shape may still depend on the picture's.
 */
function fixedViews(dir: string, pixels: ImageProcessor, side: number): ImageProcessor {
  const checked: ImageProcessor = (image) => {
    const view = pixels(image)
    const [, height = 0, width = 0] = view.dims
    if (height !== side || width !== side)
      throw viewSize(dir, height === width ? `${width}` : `${width}×${height}`, side)
    return view
  }
  checked({ width: side, height: side, data: new Uint8Array(3 * side * side) })
  return checked
}

/**
 * Checks that the processor gives views of the tower's size: position embeddings fit no other.
 * @throws FamilyError `family/view-size`
 */
export function checkViewSize(dir: string, got: number, expected: number): void {
  if (got !== expected) throw viewSize(dir, `${got}`, expected)
}

function viewSize(dir: string, got: string, expected: number): FamilyError {
  return new FamilyError('view-size', {
    message: `${dir}: the processor makes views of ${got} pixels, the tower takes ${expected}`,
    hint: 'Are config.json and preprocessor_config.json from the same repository and revision?',
  })
}
