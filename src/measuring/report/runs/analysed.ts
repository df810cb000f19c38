/** @file The analysis that lies beside a run, for the models of a page. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readAnalysis } from '../../analysis/analysis.ts'
import type { Aligned } from '../results.ts'
import type { GatheredModel } from './gather.ts'

/**
 * Measures and their curves over layers from `analysis.json` in the folders of the runs; empty
 * where there is none. A subject belongs to the model of its id or label.
 * @throws FileError for a file that is no analysis
 */
export async function analysedOf(models: readonly GatheredModel[]): Promise<Omit<Aligned, 'models'>> {
  const measures = new Map<string, Aligned['measures'][number]>()
  const alignment: Aligned['alignment'] = []
  for (const path of new Set(models.map(({ run }) => join(run.path, 'analysis.json')))) {
    if (!existsSync(path)) continue
    const analysis = await readAnalysis(path)
    for (const { name, label, direction, meaning, source } of analysis.measures)
      measures.set(name, { name, label, direction, meaning, source })
    const here = models.filter(({ run }) => join(run.path, 'analysis.json') === path)
    for (const subject of analysis.subjects) {
      const model = here.find(
        ({ run, own }) =>
          own === subject.id || run.models.some(({ id, label }) => id === own && label === subject.label),
      )
      if (model === undefined) continue
      for (const figure of subject.figures) alignment.push({ model: model.shown.id, ...figure })
    }
  }
  return { measures: alignment.length === 0 ? [] : [...measures.values()], alignment }
}
