/** @file Names of models and data sets on the hub: `org/name`, `org/name@revision`. */

import { HubError } from './errors.ts'

export interface Repository {
  /** `org/name`. */
  id: string
  /** A branch, a tag or a commit; default `main`. */
  revision: string
  /** Absent: a model. */
  kind?: 'dataset'
}

/** The part of an address, after the hub's own. */
export function addressOf({ id, kind }: Repository): string {
  return kind === undefined ? id : `datasets/${id}`
}

const NAME = /^(\w[\w.-]*\/\w[\w.-]*)(?:@(\w[\w./-]*))?$/

/**
 * Parses a name of the hub; undefined for anything else, such as a path. Revisions become file
 * names in the cache, so `..` is refused.
 */
export function parseRepository(name: string): Repository | undefined {
  const [, id, revision = 'main'] = NAME.exec(name) ?? []
  if (id === undefined || id.length > 96 || /--|\.\.|\.git$/.test(id) || /\.\.|\/$/.test(revision))
    return undefined
  return { id, revision }
}

/** @throws HubError `hub/name` */
export function requireRepository(name: string): Repository {
  const repository = parseRepository(name)
  if (repository !== undefined) return repository
  throw new HubError('name', {
    message: `"${name}" is no name on the hub`,
    hint: 'Write org/name or org/name@revision, as on the page of the model or the data set.',
  })
}

/** The name as a user writes it: without the default revision. */
export function repositoryName({ id, revision }: Repository): string {
  return revision === 'main' ? id : `${id}@${revision}`
}

/** The repository and commit of a snapshot in the cache; undefined for any other folder. */
export function snapshotRepository(folder: string): Repository | undefined {
  const [, owner, name, revision = ''] =
    /[/\\]models--([\w.-]+?)--([\w.-]+)[/\\]snapshots[/\\]([0-9a-f]{40})[/\\]?$/.exec(folder) ?? []
  return owner === undefined ? undefined : { id: `${owner}/${name}`, revision }
}

/** A full commit hash names the same files for ever. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision)
}
