/**
 * @file Pictures: decoding, Pillow-exact resizing, crops, padding, tiles, and the published
 * processors.
 */

export { anyresViews, bestResolution, type KeptCells, unpadded } from './anyres.ts'
export { type AnyresProcessor, llavaNextProcessor, llavaOnevisionProcessor } from './anyres-processors.ts'
export { type DecodeOptions, decodeImage, isAddress, readPictureFile } from './decode.ts'
export type { Colour, RgbImage, Size } from './image.ts'
export { normalise, type PerChannel, type PixelScale } from './normalise.ts'
export { type Offset, padTo, padToSquare } from './pad.ts'
export {
  type PatchLayout,
  type PatchProcessor,
  type PixelLimits,
  patchProcessor,
  smartResize,
} from './patch-processor.ts'
export { clipProcessor, type ImageProcessor, siglipProcessor } from './processors.ts'
export { type ResizeFilter, resize } from './resize.ts'
export { type SplitProcessor, splitProcessor } from './split-processor.ts'
