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
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { loadSheets } from '../../inputs/scenes/sheets.ts'
import { loadWorld } from '../../inputs/scenes/world.ts'
import { createTokenizer } from '../../inputs/text/tokenizer.ts'
import { writeCard } from './card.ts'
import { PretrainingError } from './errors.ts'
import { readModel } from './folder.ts'
import type { Gate } from './gates.ts'
import { imageTokenizerSubject } from './image-tokenizer/subject.ts'
import { parseLog } from './log.ts'
import type { PretrainingSubject } from './subject.ts'
import type { PretrainingRun } from './tower.ts'
import { towerSubject } from './tower-subject.ts'
import { twinSubject } from './twin-subject.ts'
import { TWINS } from './twins/registry.ts'
import { trainVocabulary } from './vocabulary.ts'

/** Names of the models that `pretrain` makes: those that twins stand on, then the twins. */
const PRETRAINED: readonly string[] = [
  towerSubject.name,
  imageTokenizerSubject.name,
  ...TWINS.map(({ name }) => name),
]

export interface PretrainOptions extends Omit<PretrainingRun, 'workDir' | 'onProgress'> {
  /** The package's pictures: concepts.json and sheets. */
  data: string
  /** Snapshots and logs, a folder for each model. */
  work: string
  /**
   * The tower's model folder, for a twin: as it ships, rounded to bf16, so that the twin's copy
   * equals it.
   */
  tower: string
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
  const subject = await subjectCalled(name, options.tower)
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

async function subjectCalled(name: string, tower: string): Promise<PretrainingSubject> {
  if (name === towerSubject.name) return towerSubject
  if (name === imageTokenizerSubject.name) return imageTokenizerSubject
  const twin = TWINS.find((known) => known.name === name)
  if (twin !== undefined) return twinSubject(twin, await towerOf(tower))
  throw new UsageError('option', {
    message: `bifocal pretrains no model called ${name}`,
    hint: `Name one of ${PRETRAINED.join(', ')}.`,
  })
}

/** Weights and card change together: a model that was there stands until both are made. */
async function publish(draft: string, out: string): Promise<void> {
  for (const name of await readdir(draft))
    await writeFileAtomic(join(out, name), await readBytes(join(draft, name)))
}

async function towerOf(dir: string): Promise<Record<string, Tensor<'f32'>>> {
  if (!existsSync(join(dir, 'config.json'))) {
    throw new PretrainingError('no-tower', {
      message: `${dir} holds no tower`,
      hint: 'Pretrain the tower first (bifocal pretrain tower), and name its folder (--tower).',
    })
  }
  return (await readModel(dir)).parameters
}
