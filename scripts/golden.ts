/**
 * @file Writes test/fixtures/golden: the reference fixtures with few cases each, so that a clone
 * without the whole ones still compares every family and kind. Developers only:
 *
 *     npm run golden                       from BIFOCAL_GOLDEN, else ../shared/golden
 *     npm run golden -- --golden DIR
 *     npm run golden -- --unpack DIR       into DIR, for `bifocal verify --golden DIR/llava`
 */

import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { packFolder, unpackFolder } from '../test/packed-folder.ts'
import { type Kept, reducedFixture } from './golden/reduce.ts'
import { reducedMmeb } from './golden/reduce-mmeb.ts'

const { values } = parseArgs({
  options: {
    golden: { type: 'string', default: process.env.BIFOCAL_GOLDEN ?? '../shared/golden' },
    out: { type: 'string', default: 'test/fixtures/golden' },
    unpack: { type: 'string' },
  },
})

const pictured = ['image-odd', 'image-exif6', 'text-batch']

/** Of an evaluation, the datasets that are kept. */
interface KeptDatasets {
  readonly datasets: readonly string[]
}

/**
 * Two or three small cases each, which have all stages between them; other kinds are kept whole.
 */
const fixtures: Readonly<Record<string, Kept | KeptDatasets | 'all'>> = {
  clip: { cases: pictured },
  diffusionvl: {
    cases: [
      'text',
      'picture',
      'other-prompt-two',
      'border-1',
      'masks-to-border',
      'picture-border-0',
      'batch-left',
    ],
    losses: ['batch'],
  },
  dimple: { cases: ['big', 'grey', 'text', 'tiny-needle', 'text-mask-readout'] },
  'dream-vl': { cases: ['mrope', 'grey', 'flat', 'text', 'text-mask-readout'] },
  idefics3: { cases: ['tall', 'needle', 'text'] },
  'lavida-dream': {
    cases: [
      'text-only',
      'image-instruction',
      'two-images-pad',
      'text-mask-readout',
      'diffembed',
      'batch-right',
    ],
    losses: ['image'],
  },
  'lavida-llada': {
    cases: ['text-only', 'image-instruction', 'image-vqa-inference-tokens', 'text-mask-readout'],
    losses: ['text-batch', 'fim'],
    // lavida-dream keeps it.
    without: ['unmasked'],
  },
  llava: { cases: ['image', 'text'] },
  'llava-next': { cases: ['tall', 'needle', 'text'] },
  'llava-onevision': { cases: ['tall', 'text'] },
  mmada: { cases: ['image', 'squash', 'grey', 'text'] },
  'omni-diffusion': { cases: ['text', 'image-instruction', 'several', 'image-mask-readout'] },
  'qwen2-vl': { cases: ['odd', 'text'] },
  // Its small pictures have one window each.
  'qwen2.5-vl': { cases: ['two-images', 'text', 'vlm2vec'] },
  'qwen3-vl': { cases: ['odd', 'text', 'interleaved'] },
  'run-dora-lavida': 'all',
  'run-lora-llava': 'all',
  'run-matryoshka-llava': 'all',
  'sdar-vl': { cases: ['text', 'picture', 'two-pictures', 'border-1', 'masks-to-border', 'batch-left'] },
  siglip: { cases: pictured },
  siglip2: { cases: pictured },
  smolvlm: { cases: ['odd', 'text', 'batch-left'] },
  // After qwen2-vl, whose checkpoint it has.
  'bench-mmeb': { datasets: ['OK-VQA', 'CIRR', 'EDIS', 'RefCOCO-Matching'] },
  'tune-dora-qwen2-vl': 'all',
  'tune-dora-qwen2-vl-image': 'all',
  'tune-gradcache': 'all',
  'tune-infonce': 'all',
  'tune-lora-llava': 'all',
  'tune-lora-llava-zero-b': 'all',
  'tune-merge': 'all',
  'tune-ops': 'all',
}

const readme = `# Reduced reference fixtures

Written by \`npm run golden\` (scripts/golden.ts); do not edit. Each folder is a reference fixture with fewer cases, so
that a clone compares every family and kind with its reference. Checkpoints and the expected tensors that are left equal
the whole fixture's to the byte. \`test/packed-folder.ts\` says how files are stored. Tests unpack them by themselves;

    npm run golden -- --unpack DIR
    bifocal verify --golden DIR/llava

does it by hand.

| folder | cases |
| --- | --- |
${Object.entries(fixtures)
  .map(([name, kept]) => `| ${name} | ${wordsFor(kept)} |`)
  .join('\n')}
`

if (values.unpack !== undefined) {
  for (const name of Object.keys(fixtures)) unpackFolder(values.out, name, join(values.unpack, name))
} else {
  await rm(values.out, { recursive: true, force: true })
  await mkdir(values.out, { recursive: true })
  const stored = new Map<string, string>()
  for (const [name, kept] of Object.entries(fixtures)) {
    packFolder(values.out, name, await reduced(join(values.golden, name), kept), stored)
    console.error(name)
  }
  await writeFile(join(values.out, 'README.md'), readme)
}

async function reduced(
  dir: string,
  kept: (typeof fixtures)[string],
): Promise<ReadonlyMap<string, Uint8Array>> {
  if (kept !== 'all' && 'datasets' in kept) return await reducedMmeb(dir, kept.datasets)
  return await reducedFixture(dir, kept === 'all' ? undefined : kept)
}

function wordsFor(kept: (typeof fixtures)[string]): string {
  if (kept !== 'all' && 'datasets' in kept) return `datasets ${kept.datasets.join(', ')}`
  return kept === 'all'
    ? 'all'
    : [...kept.cases, ...(kept.losses ?? []).map((loss) => `loss ${loss}`)].join(', ')
}
