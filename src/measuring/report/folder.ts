/** @file Finds out what a folder holds, and writes the page for it. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { RECORD } from '../../learning/tuning/job/record.ts'
import { type EvalRun, openRun } from '../benchmark/run/eval-run.ts'
import { runFiles } from '../benchmark/run/files.ts'
import { ReportError } from './errors.ts'
import { readResults } from './results.ts'
import { readRun } from './run.ts'
import { writeReport, writeRunReport, writeTuningReport } from './write.ts'

/** A kind of folder, the file that shows it, and the command that writes it. */
const KINDS = [
  { kind: 'tuning', file: RECORD, command: 'bifocal tune' },
  { kind: 'run', file: runFiles.setting, command: 'bifocal eval' },
  { kind: 'study', file: 'results.json', command: 'bifocal study' },
] as const

export interface ReportOptions {
  /** Folder of the page; by default that of what is reported on. Several runs need one. */
  out?: string
  /** Another built page than the one that came with the package. */
  page?: string
}

/**
 * Writes the page of a finished tuning or study, or of one run or several.
 * @param paths folders; `RUN:MODEL` stands for one model of a run
 * @returns the page's path
 * @throws ReportError `report/unknown-folder`, `report/several`; as the writers
 * @example await report(['run-a', 'run-b:my-model'], { out: 'page' })
 */
export async function report(paths: readonly string[], { out, page }: ReportOptions = {}): Promise<string> {
  const [first] = paths
  const kinds = paths.map(kindOf)
  if (first !== undefined && paths.length === 1) {
    if (kinds[0] === 'tuning') return await writeTuningReport(first, { out, page })
    if (kinds[0] === 'study') {
      const [results, run] = [await readResults(first), await readRun(first)]
      return (await writeReport(results, run, out ?? first, { page })).html
    }
  }
  const other = kinds.findIndex((kind) => kind !== 'run')
  if (other >= 0) {
    throw new ReportError('several', {
      message: `${paths[other]} is the folder of a ${kinds[other]}: only runs of \`bifocal eval\` stand together on a page`,
      hint: 'Write its page alone.',
    })
  }
  const folder = out ?? (paths.length === 1 ? runOf(first ?? '')[0] : undefined)
  if (folder === undefined) {
    throw new ReportError('several', {
      message: `${paths.length} runs were given, and no folder for their page`,
      hint: 'Name one: --out FOLDER.',
    })
  }
  return await writeRunReport(await openRuns(paths), folder, { page })
}

type Kind = (typeof KINDS)[number]['kind']

function kindOf(path: string): Kind {
  const [folder] = runOf(path)
  const found = KINDS.find(({ file }) => existsSync(join(folder, file)))
  if (found !== undefined) return found.kind
  throw new ReportError('unknown-folder', {
    message: existsSync(folder)
      ? `${folder} has none of ${KINDS.map(({ file }) => file).join(', ')}`
      : `${folder} does not exist`,
    hint: `Give a folder that ${KINDS.map(({ command }) => `\`${command}\``).join(', ')} wrote.`,
  })
}

/** `RUN:MODEL` where `RUN` is a folder; names of models may hold colons too. */
function runOf(path: string): [folder: string, model: string | undefined] {
  if (existsSync(path)) return [path, undefined]
  for (let at = path.indexOf(':'); at > 0; at = path.indexOf(':', at + 1))
    if (existsSync(path.slice(0, at))) return [path.slice(0, at), path.slice(at + 1)]
  return [path, undefined]
}

/** Each run once, with the models that were named, or all. */
async function openRuns(paths: readonly string[]): Promise<EvalRun[]> {
  const wanted = new Map<string, string[] | undefined>()
  for (const path of paths) {
    const [folder, model] = runOf(path)
    const known = wanted.get(folder)
    const all = model === undefined || (wanted.has(folder) && known === undefined)
    wanted.set(folder, all ? undefined : [...(known ?? []), model])
  }
  const runs: EvalRun[] = []
  for (const [folder, models] of wanted) {
    const run = await openRun(folder)
    // Asking for the scores of a model tells whether there is one of that name.
    for (const model of models ?? []) await run.scores(model)
    runs.push(
      models === undefined ? run : { ...run, models: run.models.filter(({ id }) => models.includes(id)) },
    )
  }
  return runs
}
