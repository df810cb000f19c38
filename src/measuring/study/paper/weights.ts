/**
 * @file Where the pretrained models of the plan `paper` are, and the commands that make the others.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { shipped, shippedNames } from '../../../foundation/files/shipped.ts'
import { TWIN_TRAINING } from '../../../learning/pretraining/recipe.ts'
import { TWINS } from '../../../learning/pretraining/twins/registry.ts'

/** A pretrained model that a plan wants and that is not there. */
export interface MissingModel {
  readonly arm: string
  readonly pretraining: number
  /** Makes it. */
  readonly command: string
}

/**
 * The folder of a pretrained model, `DIR/SEED/NAME`; with the seed of the recipe, a shipped one.
 * @param dir holds a folder for each seed
 */
export function weightsOf(dir: string, arm: string, seed: number): string | undefined {
  const own = join(dir, String(seed), arm)
  if (existsSync(join(own, 'model.safetensors'))) return own
  return seed === TWIN_TRAINING.seed && shippedNames().includes(arm) ? shipped(arm) : undefined
}

/**
 * The command for a model that is not there. Picture models do not depend on the seed of a twin.
 */
export function missingModel(dir: string, arm: string, seed: number): MissingModel {
  const twin = TWINS.find(({ name }) => name === arm)
  const pictures = twin?.pictures ?? 'tower'
  const seen = pictures === 'tower' ? 'bifocal:tower' : join(dir, pictures)
  const before = twin?.goesOn?.from
  const from = before === undefined ? '' : ` --from ${placeOf(dir, before, seed)}`
  const seedFlag = ` --seed ${seed}`
  const places = ` --work ${join(dir, String(seed), 'work')} --out ${join(dir, String(seed), arm)}`
  return {
    arm,
    pretraining: seed,
    command: `bifocal pretrain ${arm}${seedFlag} --threads 1 --pictures ${seen}${from}${places}`,
  }
}

/** Where a model is, or will be when it is made. */
function placeOf(dir: string, name: string, seed: number): string {
  const isShipped = seed === TWIN_TRAINING.seed && shippedNames().includes(name)
  return isShipped ? `bifocal:${name}` : join(dir, String(seed), name)
}
