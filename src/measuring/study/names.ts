/** @file Ids of models, of their other states and of their controls. */

import { basename } from 'node:path'
import { shippedByName } from '../../foundation/files/shipped.ts'
import { UsageError } from '../../foundation/numeric/errors.ts'
import { publicName } from '../../models/hub/public-name.ts'
import { MASKS, type Mask } from '../benchmark/words.ts'

/** Ids of baselines that are no folders. */
const OTHERS = ['pixels', 'majority', 'chance']

/**
 * Ids of folders: their last path element, numbered where it would meet another id of the study,
 * those of a model's other states included.
 */
export function idsOf(dirs: readonly string[]): string[] {
  const taken = new Set(OTHERS)
  return dirs.map((dir) => {
    const name = basename(shippedByName(dir) ?? dir) || 'model'
    for (let count = 1; ; count++) {
      const id = count === 1 ? name : `${name}-${count}`
      const states = statesOf(id)
      if (states.some((state) => taken.has(state))) continue
      for (const state of states) taken.add(state)
      return id
    }
  })
}

function statesOf(id: string): string[] {
  const masked = [id, ...MASKS.map((mask) => maskedId(id, mask))]
  return masked.flatMap((own) => [
    own,
    `${own}-tuned`,
    `${own}-shuffled`,
    ...MASKS.map((mask) => controlId(own, mask)),
  ])
}

/** The same weights under a mask that is not the model's own. */
export function maskedId(id: string, mask: Mask): string {
  return `${id}-${mask}`
}

/** The random decoder has the mask of the model that it is compared with. */
export function controlId(id: string, mask: Mask): string {
  return `${id}-random-${mask}`
}

/**
 * Checks that no model is named twice.
 * @throws UsageError `usage/arguments`
 */
export function checkDistinct(models: readonly string[]): void {
  const twice = models.find((model, i) => models.indexOf(model) < i)
  if (twice === undefined) return
  throw new UsageError('arguments', {
    message: `the model ${publicName(twice)} is named twice: it has no difference to itself`,
    hint: 'Name each model once.',
  })
}
