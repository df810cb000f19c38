/** @file The example of README's commands: pictures of one thing each of the embedded world. */

import sharp from 'sharp'
import { COLOURS } from '../../src/inputs/scenes/colours.ts'
import { STYLES } from '../../src/inputs/scenes/concepts.ts'
import { draw } from '../../src/inputs/scenes/draw.ts'
import { PICTURE, single } from '../../src/inputs/scenes/scene.ts'
import { loadSheets } from '../../src/inputs/scenes/sheets.ts'
import { loadWorld } from '../../src/inputs/scenes/world.ts'

/** A thing fills three of the picture's four columns. */
const SIZE = (3 * PICTURE) / 4

/** Things of the pairs, each on a colour of its own. */
const PAIRS = {
  dog: 'white',
  camel: 'blue',
  elephant: 'green',
  rooster: 'yellow',
  fish: 'white',
  snail: 'blue',
  spider: 'green',
  rose: 'yellow',
  cactus: 'white',
  mushroom: 'blue',
  lemon: 'green',
  banana: 'yellow',
  tomato: 'white',
  carrot: 'blue',
  croissant: 'green',
  bus: 'yellow',
  tractor: 'white',
  sailboat: 'blue',
  helicopter: 'green',
  trophy: 'yellow',
  guitar: 'white',
  violin: 'blue',
  key: 'green',
  bell: 'yellow',
} as const

/**
 * The files of an example, by their paths: a picture to embed, and pairs of pictures and captions
 * to tune with.
 * @param directory holds concepts.json and the sheets
 */
export async function exampleFiles(directory: string): Promise<ReadonlyMap<string, string | Buffer>> {
  const world = await loadWorld(directory, 'small')
  const conceptOf = (label: string) => world.training.find((concept) => concept.label === label)
  const names = Object.keys(PAIRS)
  const absent = names.filter((name) => conceptOf(name) === undefined)
  if (absent.length > 0) throw new Error(`the small world has no ${absent.join(', ')}`)
  const sheets = await loadSheets(
    directory,
    ['horse', ...names].map((label) => conceptOf(label)!),
  )
  const pictureOf = async (label: string, colour: string) => {
    const background = COLOURS.findIndex(({ name }) => name === colour)
    const at = (PICTURE - SIZE) / 2
    const content = single(conceptOf(label)!.index, STYLES.indexOf('painted'), background)
    const pixels = draw({ ...content, places: [{ x: at, y: at, size: SIZE }] }, sheets)
    return await sharp(pixels, { raw: { width: PICTURE, height: PICTURE, channels: 3 } })
      .png({ compressionLevel: 9 })
      .toBuffer()
  }
  const files = new Map<string, string | Buffer>([['horse.png', await pictureOf('horse', 'yellow')]])
  const lines: string[] = []
  for (const [label, colour] of Object.entries(PAIRS)) {
    files.set(`pairs/${label}.png`, await pictureOf(label, colour))
    const query = { instruction: 'Find the caption of the picture', image: `${label}.png` }
    lines.push(JSON.stringify({ query, target: `${/^[aeiou]/.test(label) ? 'an' : 'a'} ${label}` }))
  }
  files.set('pairs/pairs.jsonl', `${lines.join('\n')}\n`)
  return files
}
