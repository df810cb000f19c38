/**
 * @file A reader of the pages: a folder with the files that the pages speak of, and a hub that
 * serves a tiny model under each name that they mention.
 */

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initialAdapter } from '../src/models/checkpoint/adapter.ts'
import { writeAdapter } from '../src/models/checkpoint/adapter-folder.ts'
import { familyNames } from '../src/models/families/registry.ts'
import { goldenDir, hasGolden } from './golden.ts'
import { COMMIT } from './hub-models.ts'
import { type ServedRepository, startHubServer } from './hub-server.ts'
import { root, textOf } from './pages.ts'
import { writeRandomTwins } from './random-twins.ts'
import { smallPicture } from './small-picture.ts'
import { writeTinyModels } from './tiny-models.ts'

export interface Reader {
  /** Where commands run: `packages` and `test` are those of the checkout. */
  readonly folder: string
  readonly environment: NodeJS.ProcessEnv
  /** Whether the hub serves this name. */
  serves(name: string): boolean
  leave(): Promise<void>
}

/** Fixtures whose checkpoint stands for a family of another name. */
const FIXTURES: Readonly<Record<string, string>> = { mmada: 'mmada', idefics3: 'smolvlm' }
/** Beside some models lies a second one. */
const COMPANION = { repository: 'showlab/magvitv2', family: 'mmada', folder: 'image-tokenizer' }

/** Families whose pages speak of a folder of weights: its name there. */
const FOLDERS: Readonly<Record<string, string>> = {
  diffusionvl: 'DiffusionVL-Qwen2.5VL-3B',
  dimple: 'Dimple-7B',
  'dream-vl': 'Dream-VL-7B',
  'omni-diffusion': 'Omni-Diffusion',
  'sdar-vl': 'SDAR-VL-4B',
}

/** Settings that a reader has written. */
const TUNING = `model: bifocal:twin-ar
out: from-a-file
data: packages/twins/pairs/pairs.jsonl
batch:
  size: 8
steps: 2
`

export async function reader(): Promise<Reader> {
  const home = mkdtempSync(join(tmpdir(), 'bifocal-reader-'))
  const folder = join(home, 'project')
  const twins = await writeRandomTwins(join(home, 'twins'))
  const { llavaOriginal, lladaV } = await writeTinyModels(join(home, 'tiny'), twins.diffusion)
  const own: Readonly<Record<string, string>> = {
    llava: twins.ar,
    lavida: twins.diffusion,
    siglip: twins.tower,
    'llada-v': lladaV,
  }
  const served: Record<string, ServedRepository> = {}
  for (const family of familyNames) {
    const dir = own[family] ?? checkpointOf(family)
    if (dir === undefined) continue
    for (const name of namesIn(family)) served[name] = repositoryOf(dir)
  }
  if (served[namesIn(COMPANION.family)[0] ?? ''] !== undefined)
    served[COMPANION.repository] = repositoryOf(join(goldenDir(COMPANION.family), COMPANION.folder))
  const server = await startHubServer(served)

  cpSync(twins.ar, join(folder, 'my-model'), { recursive: true })
  cpSync(llavaOriginal, join(folder, 'my-llava-v1.5'), { recursive: true })
  for (const [family, name] of Object.entries(FOLDERS)) {
    const [checkpoint, tokenizer] = [checkpointOf(family), join(goldenDir(family), COMPANION.folder)]
    if (checkpoint === undefined) continue
    cpSync(checkpoint, join(folder, name), { recursive: true })
    if (existsSync(tokenizer)) cpSync(tokenizer, join(folder, name, COMPANION.folder), { recursive: true })
  }
  await writeAdapter(join(folder, 'my-adapter'), tinyAdapter(1))
  await writeAdapter(join(folder, 'other-adapter'), tinyAdapter(2))
  for (const name of ['packages', 'test']) symlinkSync(join(root, name), join(folder, name))
  writeFileSync(join(folder, 'pairs.jsonl'), pairLines())
  writeFileSync(join(folder, 'captions.csv'), 'caption,path\na horse,packages/twins/horse.png\n')
  writeFileSync(join(folder, 'pairs.csv'), 'scan,words\nphotos/day/0.bmp,day\nphotos/night/0.bmp,night\n')
  writeFileSync(join(folder, 'tune.yaml'), TUNING)
  for (const [name, level] of [
    ['night', 10],
    ['day', 200],
  ] as const) {
    mkdirSync(join(folder, 'photos', name), { recursive: true })
    for (const more of [0, 20])
      writeFileSync(join(folder, 'photos', name, `${more}.bmp`), smallPicture(level + more))
  }
  return {
    folder,
    environment: {
      HF_HOME: join(home, 'hub'),
      HF_ENDPOINT: server.url,
      HF_HUB_OFFLINE: '',
      HF_TOKEN: '',
      BIFOCAL_CACHE: join(home, 'cache'),
    },
    serves: (name) => served[name] !== undefined,
    leave: async () => {
      await server.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** A JSON line for each thing: a question and its name. */
function pairLines(): string {
  return ['horse', 'cat', 'dog', 'key', 'apple', 'boat', 'tree', 'lion']
    .map((name) => `${JSON.stringify({ query: `a photo of a ${name}`, target: `a ${name}` })}\n`)
    .join('')
}

/** Names on the hub that the page of a family mentions. */
function namesIn(family: string): string[] {
  const page = textOf(`docs/families/${family}.md`)
  return [
    ...new Set([...page.matchAll(/[`\s]([\w.-]+\/[\w.-]+)(?=[`\s,@])/g)].map(([, name = '']) => name)),
  ].filter((name) => name !== COMPANION.repository)
}

function checkpointOf(family: string): string | undefined {
  const fixture = FIXTURES[family] ?? family
  return hasGolden(fixture) ? join(goldenDir(fixture), 'checkpoint') : undefined
}

function repositoryOf(dir: string): ServedRepository {
  const files = readdirSync(dir).map((name) => [name, new Uint8Array(readFileSync(join(dir, name)))])
  return { refs: { main: COMMIT }, files: Object.fromEntries(files) }
}

/** Of rank 2, for one layer of the random twin. */
function tinyAdapter(seed: number) {
  const module = 'language_model.model.layers.0.self_attn.q_proj'
  const adapter = initialAdapter([{ module, inFeatures: 24, outFeatures: 24 }], {
    rank: 2,
    alpha: 4,
    seed,
    baseModel: 'my-model',
  })
  for (const { up } of adapter.modules.values()) up.data.fill(0.5)
  return adapter
}
