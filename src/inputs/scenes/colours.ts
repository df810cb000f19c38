/** @file The twelve named colours of backgrounds and silhouettes. */

/** Name and sRGB of each colour; a colour is known by its position. */
export const COLOURS = [
  { name: 'white', rgb: [255, 255, 255] },
  { name: 'black', rgb: [20, 20, 20] },
  { name: 'grey', rgb: [140, 140, 140] },
  { name: 'red', rgb: [215, 40, 40] },
  { name: 'orange', rgb: [250, 145, 30] },
  { name: 'yellow', rgb: [250, 220, 60] },
  { name: 'green', rgb: [60, 165, 70] },
  { name: 'blue', rgb: [50, 100, 220] },
  { name: 'purple', rgb: [130, 60, 180] },
  { name: 'pink', rgb: [250, 160, 195] },
  { name: 'brown', rgb: [125, 80, 45] },
  { name: 'teal', rgb: [20, 150, 150] },
] as const satisfies readonly { name: string; rgb: readonly [number, number, number] }[]
