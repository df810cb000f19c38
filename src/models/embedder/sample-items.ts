/**
 * @file A few items that any model can be tried with, when its owner gives none: short and longer
 * texts, pictures, and both together.
 */

import type { Item } from '../../inputs/data/item.ts'
import type { RgbImage } from '../../inputs/media/image.ts'

export const SAMPLE_KINDS = ['text', 'image', 'both'] as const
export type SampleKind = (typeof SAMPLE_KINDS)[number]

export interface SampleItem {
  readonly kind: SampleKind
  readonly item: Item
}

const TEXTS = [
  'a red apple',
  'two people walking a dog along the beach at sunset',
  'The museum opens at nine; tickets are sold at the entrance, and children under six are free.',
]

/** Of each picture, in pixels. */
const [WIDTH, HEIGHT] = [336, 252]

/**
 * Three items of each kind.
 * @param round other rounds have other pictures, so that no cache spares a tower its work
 */
export function sampleItems(round = 0): SampleItem[] {
  const pictures = TEXTS.map((_, i) => picture(round * TEXTS.length + i))
  return [
    ...TEXTS.map((text) => ({ kind: 'text' as const, item: { text } })),
    ...pictures.map((image) => ({ kind: 'image' as const, item: { image } })),
    ...pictures.map((image, i) => ({ kind: 'both' as const, item: { image, text: TEXTS[i] } })),
  ]
}

/** A disc on a gradient; place and colours are the number's. */
function picture(number: number): RgbImage {
  const data = new Uint8Array(WIDTH * HEIGHT * 3)
  const [x0, y0] = [60 + ((number * 97) % 216), 60 + ((number * 61) % 132)]
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const disc = Math.hypot(x - x0, y - y0) < 50
      for (let c = 0; c < 3; c++) {
        data[(y * WIDTH + x) * 3 + c] = disc
          ? (number * 83 + c * 101) % 256
          : ((c === 0 ? x : c === 1 ? y : x + y) + number * 31) % 256
      }
    }
  }
  return { width: WIDTH, height: HEIGHT, data }
}
