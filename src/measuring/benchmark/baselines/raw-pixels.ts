import { pixels, pixelsApply } from '../pixels.ts'
import type { PlainBaseline } from './baseline.ts'

/** Pictures of 16 × 16 pixels as they are. */
export const rawPixels: PlainBaseline = {
  kind: 'plain',
  name: 'pixels',
  label: 'raw pixels',
  maker: pixels,
  applies: pixelsApply,
}
