/** @file The words of `--tasks`: which tasks each one means. */

import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { UsageError } from '../../../foundation/numeric/errors.ts'
import { suggestion } from '../../../foundation/numeric/suggestion.ts'
import { EMBEDDED_TASKS, embeddedSources } from './embedded.ts'
import { hubSources } from './hub.ts'
import { type MmebChoice, mmebSources } from './mmeb.ts'
import { type OwnOptions, type OwnTask, ownSources } from './own.ts'
import type { OpenTask, TaskSource } from './suite.ts'
import { taskFileSources } from './task-file.ts'
import { visualDocumentSources } from './visual-documents.ts'

/** How the files of the words are read: each word takes the options that it has a use for. */
export interface SuiteOptions extends MmebChoice, Omit<OwnTask, 'path' | 'name' | 'images'>, OwnOptions {}

const WORLDS = ['small', 'full'] as const

/**
 * Finds the tasks of words, in their order, each once: `embedded`, `embedded:full`, the name of a
 * shipped task, `mmeb:FOLDER`, `visdoc:FOLDER`, `hf:ORG/NAME`, a task file (`.yaml`), a file of
 * pairs, a folder of classes, a folder in the layout of BEIR or MMEB. Reads names and the rows of
 * pairs; no picture.
 * @throws UsageError `usage/task-unknown` for a word that is none of these, `usage/option` for a
 *   choice that MMEB's folder has not; ItemError, FileError for files that cannot be read
 * @example const sources = await suitesOf(['embedded', 'mmeb:MMEB-eval'], { subsets: ['VQA'] })
 */
export async function suitesOf(words: readonly string[], options: SuiteOptions = {}): Promise<TaskSource[]> {
  const found: TaskSource[] = []
  for (const word of new Set(words)) found.push(...(await sourcesOf(word, options)))
  return distinctNames(found)
}

async function sourcesOf(word: string, options: SuiteOptions): Promise<TaskSource[]> {
  const { subsets, images, warn, signal, instruction, targetInstruction, split, ...rest } = options
  const mmeb = { ...(subsets && { subsets }), ...(images && { images }) }
  const said = {
    ...(instruction !== undefined && { instruction }),
    ...(targetInstruction !== undefined && { targetInstruction }),
    ...(split !== undefined && { split }),
  }
  const [, scheme, of = ''] = /^([a-z]{2,}):(.+)$/s.exec(word) ?? []
  if (word === 'embedded') return embeddedSources('small')
  if (scheme === 'embedded') return embeddedNamed(of)
  if (scheme === 'mmeb') return await mmebSources(of, mmeb)
  if (scheme === 'hf') return await hubSources(of, { ...mmeb, ...said }, { warn, signal })
  if (scheme === 'visdoc') return await visualDocumentSources(of, said)
  if (existsSync(word)) {
    if (/^\.ya?ml$/i.test(extname(word))) return await taskFileSources(word, { warn, signal })
    if (await isMmeb(word)) return await mmebSources(word, mmeb)
    return await ownSources({ ...rest, ...said, path: word, ...(images && { images }) }, { warn, signal })
  }
  if (EMBEDDED_TASKS.includes(word)) return embeddedSources('small', [word])
  throw unknownWord(word)
}

/** `small`, `full`, or names of shipped tasks with commas between. */
function embeddedNamed(of: string): TaskSource[] {
  const world = WORLDS.find((name) => name === of)
  if (world !== undefined) return embeddedSources(world)
  const names = of.split(',')
  const unknown = names.find((name) => !EMBEDDED_TASKS.includes(name))
  if (unknown !== undefined) throw unknownWord(unknown)
  return embeddedSources('small', names)
}

/** Whether a folder, or one in it, holds test rows of MMEB-eval. */
async function isMmeb(path: string): Promise<boolean> {
  if (!(await stat(path)).isDirectory()) return false
  const file = /^test-\d{5}-of-\d{5}\.parquet$/
  const names = await readdir(path)
  if (names.some((name) => name.split('.')[0] === 'qrels')) return false
  for (const name of ['.', ...names])
    if ((await readdir(join(path, name)).catch(() => [])).some((own) => file.test(own))) return true
  return false
}

function unknownWord(word: string): UsageError {
  const meant = suggestion(word, ['embedded', 'embedded:full', ...EMBEDDED_TASKS])
  return new UsageError('task-unknown', {
    message: `${word} is no task, and no file or folder of that name is there`,
    hint:
      meant === undefined
        ? `Name embedded, mmeb:FOLDER, visdoc:FOLDER, hf:ORG/NAME, a file of your own, or one of the tasks ${EMBEDDED_TASKS.join(', ')}.`
        : `Did you mean "${meant}"?`,
  })
}

/**
 * Where two tasks have one name, the suite stands before it; where they still have, they are
 * numbered.
 */
function distinctNames(sources: readonly TaskSource[]): TaskSource[] {
  const count = (name: string) => sources.filter((source) => source.name === name).length
  const taken = new Set<string>()
  return sources.map((source) => {
    const base = count(source.name) === 1 ? source.name : `${source.suite}/${source.name}`
    let name = base
    for (let number = 2; taken.has(name); number++) name = `${base} ${number}`
    taken.add(name)
    return name === source.name ? source : renamed(source, name)
  })
}

function renamed(source: TaskSource, name: string): TaskSource {
  const withName = (opened: OpenTask): OpenTask => ({
    ...opened,
    task: { ...opened.task, name },
    problems: opened.problems.map((problem) => ({ ...problem, dataset: name })),
    without: (failures) => withName(opened.without(failures)),
  })
  return { ...source, name, open: async (options) => withName(await source.open(options)) }
}
