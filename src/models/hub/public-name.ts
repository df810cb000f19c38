/** @file The name under which a stranger finds a model. */

import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { isShipped, shippedNameOf } from '../../foundation/files/shipped.ts'
import { repositoryName, snapshotRepository } from './repository.ts'

/** A model's name without the path of a folder on this machine. */
export function publicName(model: string): string {
  const published = snapshotRepository(model)
  if (published !== undefined) return repositoryName(published)
  if (isShipped(model)) return shippedNameOf(model)
  return existsSync(model) ? basename(resolve(model)) : model
}
