/**
 * @file The gates of the shipped models, in full: tower, twins, and what pretraining is worth to a
 * tuned one.
 * @see specs/twins.md §4
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readText } from '../../foundation/files/file.ts'
import { shipped, shippedData } from '../../foundation/files/shipped.ts'
import { InterruptedError } from '../../foundation/numeric/errors.ts'
import { loadSheets } from '../../inputs/scenes/sheets.ts'
import { loadWorld } from '../../inputs/scenes/world.ts'
import { loadTokenizer } from '../../inputs/text/tokenizer.ts'
import { recordedGates, updateGates } from '../../learning/pretraining/card.ts'
import { readModel, readTwin } from '../../learning/pretraining/folder.ts'
import { type Gate, gate, towerGates, twinGates } from '../../learning/pretraining/gates.ts'
import { PICTURE_MODELS } from '../../learning/pretraining/picture-models.ts'
import { TWIN_TRAINING } from '../../learning/pretraining/recipe.ts'
import { TWINS } from '../../learning/pretraining/twins/registry.ts'
import type { Results } from '../report/results.ts'
import { gatesOfCard, shippedCards } from './cards.ts'
import { StudyError } from './errors.ts'
import { otherWeights } from './paper/shipped.ts'
import { runStudy } from './study.ts'

/** The twins that ship; the others are made by `bifocal pretrain`. */
const SHIPPED: readonly string[] = ['twin-ar', 'twin-diffusion']

export interface GatesOptions {
  /** Holds `tower`, a folder for each shipped twin, and for others that are to be measured. */
  models?: string
  /** The tunings are kept here, so that a second run needs no training. */
  out: string
  /** Without the tuning of twins and random decoders. */
  quick?: boolean
  /** Puts the figures into the model cards. */
  cards?: boolean
  threads?: number
  /** Samples behind each loss, questions of each type; defaults of `twinGates`. */
  samples?: number
  questions?: number
  signal?: AbortSignal
  onProgress?: (progress: { label: string; done: number; total: number; note?: string }) => void
  warn?: (message: string) => void
}

/**
 * Measures all gates; the figures are a function of the folders and the number of threads.
 * Tunings have the seed of a study.
 * @throws StudyError `study/no-model`; CheckpointError, FamilyError, PretrainingError of the
 *   folders; InterruptedError
 */
export async function runGates(options: GatesOptions): Promise<Gate[]> {
  const { models, out, quick = false, cards = false, signal, onProgress, warn, ...measuring } = options
  const folder = (name: string) => (models === undefined ? shipped(name) : join(models, name))
  const absent = ['tower', ...SHIPPED].map(folder).filter((dir) => !existsSync(dir))
  if (absent.length > 0) {
    throw new StudyError('no-model', {
      message: `there is no folder ${absent.join(', ')}`,
      hint: `Name the folder (--models) that holds tower, ${SHIPPED.join(', ')}; without it the shipped ones are measured.`,
    })
  }
  // Other twins are measured where their weights are; where only their card is, it is quoted.
  const isThere = (name: string, file: string) =>
    SHIPPED.includes(name) || (models !== undefined && existsSync(join(models, name, file)))
  const measuredTwins = TWINS.filter(({ name }) => isThere(name, 'model.safetensors'))
  const names = measuredTwins.map(({ name }) => name)
  const quoted = TWINS.filter(({ name }) => !names.includes(name) && isThere(name, 'README.md'))
  const pictureModels = otherPictureModels(models)
  // Where neither is, the card that ships is.
  const found = [...names, ...quoted.map(({ name }) => name), ...SHIPPED]
  const recorded = [
    ...pictureModels.filter(({ dir }) => dir === undefined).map(({ name }) => name),
    ...TWINS.map(({ name }) => name).filter((name) => !found.includes(name)),
  ]
  const data = shippedData()
  const world = await loadWorld(data, 'small')
  const sheets = await loadSheets(data, [...world.training, ...world.heldOut])
  // The twins' tokenizer: the tower's adds an end token of its own.
  const at = { world, sheets, tokenizer: await loadTokenizer(folder('twin-ar')) }
  const measured = { seed: TWIN_TRAINING.seed, signal, onProgress, ...measuring }
  // Read before anything is measured: what can't be is told in seconds.
  const tower = await readModel(folder('tower'))
  const twins = await Promise.all(
    measuredTwins.map(async (twin) => ({
      twin,
      parameters: (await readTwin(folder(twin.name), twin)).parameters,
    })),
  )
  const there = names.map((name) => ({ name, dir: folder(name) }))
  for (const words of await otherWeights(there)) warn?.(words)
  const gates = await towerGates(at, tower.parameters, measured)
  for (const { dir, read, gates: gatesOf } of pictureModels)
    if (dir !== undefined) gates.push(...(await gatesOf(at, await read(dir), measured)))
  for (const { twin, parameters } of twins) {
    if (signal?.aborted) throw new InterruptedError('gates', signal)
    gates.push(...(await twinGates(twin, at, parameters, measured)))
  }
  for (const { name } of quoted) gates.push(...recordedGates(await readText(join(folder(name), 'README.md'))))
  for (const card of shippedCards())
    if (recorded.includes(card.name)) gates.push(...(await gatesOfCard(card)))
  if (!quick) {
    const dirs = [...names, 'tower'].map(folder)
    const { results } = await runStudy({ models: dirs, out, controls: true, signal, onProgress, warn })
    gates.push(...tuningGates(results))
  }
  if (cards)
    for (const name of ['tower', ...names])
      await updateGates(
        folder(name),
        gates.filter(({ model }) => model === name),
      )
  return gates
}

/** Picture models beside the tower, which are measured where their folders are. */
function otherPictureModels(models: string | undefined) {
  return Object.values(PICTURE_MODELS)
    .filter(({ name }) => name !== 'tower')
    .map(({ name, read, gates }) => {
      const dir = models === undefined ? undefined : join(models, name)
      const isThere = dir !== undefined && existsSync(join(dir, 'config.json'))
      return { name, read, gates, dir: isThere ? dir : undefined }
    })
}

/**
 * Tuned model − the same tuning of a random decoder, over the in-domain tasks, for each
 * model that has this control.
 */
export function tuningGates({ models, differences }: Pick<Results, 'models' | 'differences'>): Gate[] {
  return differences.flatMap(({ a, b, scope, interval }) => {
    const control = models.find(({ id }) => id === b)
    const { of: twin = a } = models.find(({ id }) => id === a) ?? {}
    if (scope.kind !== 'in-domain' || control?.role !== 'random-decoder') return []
    return [
      gate({
        model: twin,
        name: 'tuned − tuned random decoder, lower end of the paired interval',
        value: interval.low,
        bound: 0,
        bounded: 'above',
        beside: `difference ${interval.value.toFixed(3)} (${interval.low.toFixed(3)} to ${interval.high.toFixed(3)})`,
      }),
    ]
  })
}
