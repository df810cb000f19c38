/** @file Finds out what a folder holds, and writes the page for it. */

import { existsSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { readJson } from '../../foundation/files/file.ts'
import { RECORD } from '../../learning/tuning/job/record.ts'
import { readAnalysis } from '../analysis/analysis.ts'
import { openOperands } from '../benchmark/comparison/operands.ts'
import { comparisonSchema } from '../benchmark/comparison/report.ts'
import type { EvalRun } from '../benchmark/run/eval-run.ts'
import { runFiles } from '../benchmark/run/files.ts'
import { ReportError } from './errors.ts'
import { readResults } from './results.ts'
import { readRun } from './run.ts'
import {
  writeAnalysisReport,
  writeComparisonReport,
  writeReport,
  writeRunReport,
  writeTuningReport,
} from './write.ts'

/** A kind of folder, the file that shows it, and the command that writes it. */
const KINDS = [
  { kind: 'tuning', file: RECORD, command: 'bifocal tune' },
  { kind: 'run', file: runFiles.setting, command: 'bifocal eval' },
  { kind: 'study', file: 'results.json', command: 'bifocal study' },
  { kind: 'comparison', file: 'comparison.json', command: 'bifocal compare --out' },
  { kind: 'analysis', file: 'analysis.json', command: 'bifocal analyze --out' },
] as const

export interface ReportOptions {
  /** Folder of the page; by default that of what is reported on. Several runs need one. */
  out?: string
  /** Another built page than the one that came with the package. */
  page?: string
}

/**
 * Writes the page of a finished tuning or study, of one run or several, of a comparison or an
 * analysis.
 * @param paths folders, or the `.json` file of a comparison or an analysis; `RUN:MODEL` stands for
 *   one model of a run
 * @returns the page's path
 * @throws ReportError `report/unknown-folder`, `report/several`; as the writers
 * @example await report(['run-a', 'run-b:my-model'], { out: 'page' })
 */
export async function report(paths: readonly string[], { out, page }: ReportOptions = {}): Promise<string> {
  const [first] = paths
  const kinds = await Promise.all(paths.map(kindOf))
  if (first !== undefined && paths.length === 1) {
    if (kinds[0] === 'tuning') return await writeTuningReport(first, { out, page })
    if (kinds[0] === 'study') {
      const [results, run] = [await readResults(first), await readRun(first)]
      return (await writeReport(results, run, out ?? first, { page })).html
    }
    const [file, folder] = first.endsWith('.json') ? [first, dirname(first)] : [undefined, first]
    if (kinds[0] === 'comparison') {
      const comparison = await readJson(file ?? join(first, 'comparison.json'), comparisonSchema)
      return await writeComparisonReport(comparison, out ?? folder, { page })
    }
    if (kinds[0] === 'analysis')
      return await writeAnalysisReport(
        await readAnalysis(file ?? join(first, 'analysis.json')),
        out ?? folder,
        { page },
      )
  }
  const other = kinds.findIndex((kind) => kind !== 'run')
  if (other >= 0) {
    throw new ReportError('several', {
      message: `${paths[other]} holds a ${kinds[other]}: only runs of \`bifocal eval\` stand together on a page`,
      hint: 'Write its page alone.',
    })
  }
  const runs = await openRuns(paths)
  const folder = out ?? (runs.length === 1 ? runs[0]?.path : undefined)
  if (folder === undefined) {
    throw new ReportError('several', {
      message: `${runs.length} runs were given, and no folder for their page`,
      hint: 'Name one: --out FOLDER.',
    })
  }
  return await writeRunReport(runs, folder, { page })
}

type Kind = (typeof KINDS)[number]['kind']

async function kindOf(path: string): Promise<Kind> {
  if (path.endsWith('.json') && existsSync(path)) {
    const { kind } = await readJson(path, z.looseObject({ kind: z.string().optional() }))
    return kind === 'comparison' ? 'comparison' : 'analysis'
  }
  // The models of a run are told apart where the run is opened.
  if (!existsSync(path) && path.includes(':')) return 'run'
  const found = KINDS.find(({ file }) => existsSync(join(path, file)))
  if (found !== undefined) return found.kind
  throw new ReportError('unknown-folder', {
    message: existsSync(path)
      ? `${path} has none of ${KINDS.map(({ file }) => file).join(', ')}`
      : `${path} does not exist`,
    hint: `Give a folder that ${KINDS.map(({ command }) => `\`${command}\``).join(', ')} wrote.`,
  })
}

const isFolder = (path: string) => existsSync(path) && statSync(path).isDirectory()

/** Each run once, with the models that were named, or all of them, its baselines too. */
async function openRuns(words: readonly string[]): Promise<EvalRun[]> {
  const found = new Map<string, { run: EvalRun; ids: Set<string> }>()
  for (const word of words) {
    const operands = await openOperands([word])
    for (const { run, model } of operands) {
      const known = found.get(resolve(run.path)) ?? { run, ids: new Set() }
      found.set(resolve(run.path), known)
      for (const { id } of isFolder(word) ? run.models : [model]) known.ids.add(id)
    }
  }
  return [...found.values()].map(({ run, ids }) => ({
    ...run,
    models: run.models.filter(({ id }) => ids.has(id)),
  }))
}
