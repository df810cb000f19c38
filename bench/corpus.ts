/**
 * @file A corpus as users bring it: texts of mixed lengths, some with a picture, some items twice;
 * and the files that turn the mid-size model into an embedder.
 */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { writeFileAtomic } from '../src/foundation/files/file.ts'
import { fillNormal, stream } from '../src/foundation/numeric/random.ts'
import type { Item } from '../src/inputs/data/item.ts'
import { BYTE_CHARACTERS, byteLevelTokenizer, specialToken } from '../src/inputs/text/byte-level.ts'
import { PICTURE, PICTURE_ID } from './model.ts'

export interface CorpusOptions {
  items: number
  /** Of the items, those that are a copy of another one, in percent. */
  repeats: number
  /** Of the items, those with a picture, in percent. */
  pictured: number
  /** Different pictures. */
  pictures: number
  /** Characters of a text that half of the texts exceed; a character is a token. */
  median: number
}

const SPECIAL = ['<s>', '</s>', '<pad>', '<image>'] as const

/** Spread of the logarithm of lengths: most texts are short, a few are ten times as long. */
const SPREAD = 0.9
const LONGEST = 600

const TEMPLATE =
  "{% for message in messages %}{{ '<s>' }}{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<image>\\n' }}{% else %}" +
  "{{ part['text'] }}{% endif %}{% endfor %}{{ '</s>' }}{% endfor %}"

/** A tokenizer of bytes, the prompt, and CLIP's picture processor at the size of the tower. */
export async function writeProcessorFiles(dir: string): Promise<void> {
  const added = SPECIAL.map((token, id) => specialToken(id, token))
  const vocabulary = Object.fromEntries([...SPECIAL, ...BYTE_CHARACTERS].map((token, id) => [token, id]))
  const files = {
    'tokenizer.json': byteLevelTokenizer({ vocabulary, merges: [], addedTokens: added, pattern: 'gpt2' }),
    'tokenizer_config.json': {
      tokenizer_class: 'PreTrainedTokenizerFast',
      bos_token: SPECIAL[0],
      eos_token: SPECIAL[1],
      pad_token: SPECIAL[2],
      image_token: SPECIAL[PICTURE_ID],
      chat_template: TEMPLATE,
    },
    'preprocessor_config.json': {
      image_processor_type: 'CLIPImageProcessor',
      size: { shortest_edge: PICTURE },
      crop_size: { height: PICTURE, width: PICTURE },
      do_resize: true,
      do_center_crop: true,
      do_rescale: true,
      rescale_factor: 1 / 255,
      do_normalize: true,
      do_convert_rgb: true,
      resample: 3,
      image_mean: [0.48145466, 0.4578275, 0.40821073],
      image_std: [0.26862954, 0.26130258, 0.27577711],
    },
  }
  for (const [name, json] of Object.entries(files))
    await writeFileAtomic(join(dir, name), JSON.stringify(json))
}

/** Items in a random order; pictures are written into `dir`. */
export async function writeCorpus(dir: string, options: CorpusOptions): Promise<Item[]> {
  const random = stream(1, 'corpus')
  const pictures = await writePictures(join(dir, 'pictures'), options.pictures)
  const distinct = Math.max(1, Math.round(options.items * (1 - options.repeats / 100)))
  const normal = fillNormal(new Float32Array(distinct), SPREAD, stream(1, 'lengths'))
  const items: Item[] = Array.from(normal, (exponent) => {
    const text = words(Math.min(LONGEST, Math.ceil(options.median * Math.exp(exponent))), random)
    return random() < options.pictured / 100
      ? { text, image: pictures[Math.floor(random() * pictures.length)]! }
      : { text }
  })
  while (items.length < options.items) items.push(items[Math.floor(random() * distinct)]!)
  // Fisher and Yates.
  for (let at = items.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    const moved = items[at]!
    items[at] = items[other]!
    items[other] = moved
  }
  return items
}

async function writePictures(dir: string, count: number): Promise<string[]> {
  await mkdir(dir, { recursive: true })
  const random = stream(1, 'pictures')
  const paths: string[] = []
  for (let i = 0; i < count; i++) {
    const [width, height] = [120 + Math.floor(random() * 200), 120 + Math.floor(random() * 200)]
    const data = Uint8Array.from({ length: width * height * 3 }, () => Math.floor(random() * 256))
    const path = join(dir, `${i}.png`)
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(path)
    paths.push(path)
  }
  return paths
}

/** Made-up words, this many characters in all. */
function words(length: number, random: () => number): string {
  let text = ''
  while (text.length < length) {
    for (let letters = 2 + Math.floor(random() * 8); letters > 0; letters--)
      text += String.fromCharCode(97 + Math.floor(random() * 26))
    text += ' '
  }
  return `${text.slice(0, Math.max(1, length - 1))}.`
}
