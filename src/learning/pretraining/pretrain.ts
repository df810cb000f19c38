/**
 * @file `bifocal pretrain`: from nothing to a model folder with its card. Everything is kept on the
 * way, so a stopped run goes on.
 */

import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFailure } from '../../foundation/files/errors.ts'
import { makeFolder, readBytes, readText, writeFileAtomic } from '../../foundation/files/file.ts'
import { lockAlone } from '../../foundation/files/lock.ts'
import { removeAbandoned } from '../../foundation/files/temporary.ts'
import { UsageError } from '../../foundation/numeric/errors.ts'
import { loadSheets } from '../../inputs/scenes/sheets.ts'
import { loadWorld } from '../../inputs/scenes/world.ts'
import { createTokenizer } from '../../inputs/text/tokenizer.ts'
import { writeCard } from './card.ts'
import { PretrainingError } from './errors.ts'
import { readModel } from './folder.ts'
import type { Gate } from './gates.ts'
import { parseLog } from './log.ts'
import { PICTURE_MODELS } from './picture-models.ts'
import type { PretrainingSubject } from './subject.ts'
import type { PretrainingRun } from './tower.ts'
import type { TwinSources } from './twin.ts'
import { twinSubject } from './twin-subject.ts'
import { TWINS } from './twins/registry.ts'
import type { PictureModel, Twin } from './twins/twin.ts'
import { trainVocabulary } from './vocabulary.ts'

/** Names of the models that `pretrain` makes: those that twins stand on, then the twins. */
const PRETRAINED: readonly string[] = [...Object.values(PICTURE_MODELS), ...TWINS].map(({ name }) => name)

export interface PretrainOptions extends Omit<PretrainingRun, 'workDir' | 'onProgress'> {
  /** The package's pictures: concepts.json and sheets. */
  data: string
  /** Snapshots and logs, a folder for each model. */
  work: string
  /**
   * The folder of the model that a twin sees pictures through, `tower` or another `PictureModel`:
   * as it was written, so that the twin's copy equals it.
   */
  pictures: string
  /** The folder of the twin that this one goes on from, where it does. */
  from?: string
  /** Where the model folder is written. */
  out: string
  /** Default: the recipe's. */
  steps?: number
  seed?: number
  onProgress?: (progress: { label: string; done: number; total: number; note?: string }) => void
}

export interface Pretrained {
  dir: string
  steps: number
  gates: Gate[]
}

/**
 * Trains, writes the folder, measures its gates, writes its card.
 * @param name one of `PRETRAINED`
 * @throws UsageError `usage/option`; PretrainingError `pretraining/no-tower`; InterruptedError with
 *   the state saved; TrainingError `training/other-run`; FileError, `file/in-use` while another run
 *   trains the same model
 */
export async function pretrain(name: string, options: PretrainOptions): Promise<Pretrained> {
  const { data, work, out, threads, signal, warn, onProgress } = options
  const subject = await subjectCalled(name, options)
  const { steps = subject.training.steps, seed = subject.training.seed } = options
  const training = { ...subject.training, steps, seed }
  // Found out now, not after hours.
  await makeFolder(out).catch((cause: unknown) => {
    throw writeFailure(out, cause)
  })
  await removeAbandoned(out)
  const world = await loadWorld(data, 'small')
  const sheets = await loadSheets(data, [...world.training, ...world.heldOut])
  const vocabulary = trainVocabulary(world, seed)
  const at = { world, sheets, tokenizer: createTokenizer(vocabulary) }
  const run: PretrainingRun = {
    workDir: join(work, name),
    threads,
    signal,
    warn,
    onProgress: ({ step, steps: total, loss }) =>
      onProgress?.({ label: name, done: step, total, note: `loss ${loss.toFixed(3)}` }),
  }
  const lock = await lockAlone(run.workDir)
  try {
    const draft = join(run.workDir, 'model')
    await subject.write(draft, await subject.train(at, training, run), vocabulary)
    // Measured on what was written: bf16 is what users get.
    const parameters = await subject.read(draft)
    const measuring = { seed, threads, signal, onProgress }
    const gates = await subject.gates(at, parameters, measuring)
    const answers = await subject.answers(at, parameters, measuring)
    const log = parseLog(await readText(join(run.workDir, 'log.jsonl')))
    await writeCard(draft, { ...training, subject: subject.card, parameters, gates, answers, log, at })
    await publish(draft, out)
    return { dir: out, steps, gates }
  } finally {
    await lock.release()
  }
}

/** The name of the model that a twin sees pictures through; of another model, `tower`. */
export function pictureModelOf(name: string): PictureModel {
  return TWINS.find((twin) => twin.name === name)?.pictures ?? 'tower'
}

async function subjectCalled(
  name: string,
  { pictures, from }: Pick<PretrainOptions, 'pictures' | 'from'>,
): Promise<PretrainingSubject> {
  const model = Object.values(PICTURE_MODELS).find((known) => known.name === name)
  if (model !== undefined) return model
  const twin = TWINS.find((known) => known.name === name)
  if (twin !== undefined) return twinSubject(twin, await sourcesOf(twin, pictures, from))
  throw new UsageError('option', {
    message: `bifocal pretrains no model called ${name}`,
    hint: `Name one of ${PRETRAINED.join(', ')}.`,
  })
}

/** Weights and card change together: a model that was there stands until both are made. */
async function publish(draft: string, out: string): Promise<void> {
  for (const entry of await readdir(draft, { withFileTypes: true })) {
    const [from, to] = [join(draft, entry.name), join(out, entry.name)]
    if (entry.isDirectory()) {
      await makeFolder(to)
      await publish(from, to)
    } else await writeFileAtomic(to, await readBytes(from))
  }
}

/** The models that a twin is made from, as their folders have them. */
async function sourcesOf(twin: Twin, pictures: string, from: string | undefined): Promise<TwinSources> {
  requireModel(pictures, twin.pictures, '--pictures')
  const seen = await PICTURE_MODELS[twin.pictures].read(pictures)
  if (twin.goesOn === undefined) return { pictures: seen }
  const before = from ?? ''
  requireModel(before, twin.goesOn.from, '--from')
  return { pictures: seen, before: (await readModel(before)).parameters }
}

function requireModel(dir: string, name: string, flag: string): void {
  if (existsSync(join(dir, 'config.json'))) return
  throw new PretrainingError('no-tower', {
    message: `this twin is made from ${name}: ${dir === '' ? 'no folder was named' : `${dir} holds none`}`,
    hint: `Pretrain it first (bifocal pretrain ${name}), and name its folder (${flag}).`,
  })
}
