/** @file Models of runs, as commands name them: `RUN`, all models of it, or `RUN:MODEL`. */

import { existsSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { suggestion } from '../../../foundation/numeric/suggestion.ts'
import { BenchmarkError } from '../errors.ts'
import { type EvalRun, openRun } from '../run/eval-run.ts'
import { type RunModel, runFiles } from '../run/files.ts'

/** A model of a run. */
export interface RunOperand {
  /** Unique among the operands: the model's id, or `RUN:ID` where several have it. */
  readonly id: string
  /** For tables; unique as well. */
  readonly label: string
  /** Name of the run's folder. */
  readonly runName: string
  readonly run: EvalRun
  readonly model: RunModel
}

/**
 * Opens the operands. A run without a model's name stands for its models; its baselines are taken
 * where they are named, or where the run holds one model alone.
 * @param words `RUN` or `RUN:MODEL`, MODEL being an id or a label; a run is opened once
 * @throws as `openRun`; BenchmarkError `benchmark/no-model`
 */
export async function openOperands(words: readonly string[]): Promise<RunOperand[]> {
  const runs = new Map<string, EvalRun>()
  const found: { run: EvalRun; model: RunModel }[] = []
  for (const word of words) {
    const { path, name } = split(word)
    const run = runs.get(resolve(path)) ?? (await openRun(path))
    runs.set(resolve(path), run)
    for (const model of name === undefined ? ownModels(run) : [modelOf(run, name)])
      if (!found.some((one) => one.run === run && one.model === model)) found.push({ run, model })
  }
  const taken = (key: 'id' | 'label', value: string) =>
    found.filter(({ model }) => model[key] === value).length > 1
  return found.map(({ run, model }) => {
    const runName = basename(resolve(run.path))
    return {
      id: taken('id', model.id) ? `${runName}:${model.id}` : model.id,
      label: taken('label', model.label) ? `${runName}: ${model.label}` : model.label,
      runName,
      run,
      model,
    }
  })
}

/** Whether a word names a run, or a model of one. */
export function isRunOperand(word: string): boolean {
  return existsSync(join(split(word).path, runFiles.setting))
}

/** The folder is the longest part before a colon that exists: names of models hold colons too. */
function split(word: string): { path: string; name: string | undefined } {
  const isFolder = (path: string) => existsSync(path) && statSync(path).isDirectory()
  if (isFolder(word)) return { path: word, name: undefined }
  for (let at = word.lastIndexOf(':'); at > 0; at = word.lastIndexOf(':', at - 1)) {
    const [path, name] = [word.slice(0, at), word.slice(at + 1)]
    if (name !== '' && isFolder(path)) return { path, name }
  }
  return { path: word, name: undefined }
}

function ownModels({ models }: EvalRun): readonly RunModel[] {
  const own = models.filter(({ role }) => role === 'model')
  return own.length > 1 ? own : models
}

function modelOf({ path, models }: EvalRun, name: string): RunModel {
  const found = models.find(({ id }) => id === name) ?? models.find(({ label }) => label === name)
  if (found !== undefined) return found
  const names = models.map(({ id }) => id)
  const near = suggestion(name, names)
  throw new BenchmarkError('no-model', {
    message: `the run in ${path} has no model ${name}; its models are ${names.join(', ')}`,
    hint: near === undefined ? 'Name one of these.' : `Did you mean ${near}?`,
  })
}
