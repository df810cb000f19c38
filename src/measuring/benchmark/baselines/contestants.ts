/** @file Baselines as contestants of a run. */

import { packageVersion } from '../../../foundation/files/version.ts'
import { type Contestant, versioned } from '../run/contestant.ts'
import type { Baseline, PlainBaseline, SeenBaseline } from './baseline.ts'
import { baselinesNamed } from './table.ts'

/**
 * The baselines of these names: one without a model each, and those that show a model a part of
 * each query once for every model. Chance and majority are numbers of the task, and no contestants.
 * @param models whose vectors are stored under their own fingerprints: items that were embedded for
 *   the model are not embedded again
 * @param seed shuffles pictures
 * @throws UsageError `usage/option` for a name that no baseline has
 */
export async function baselineContestants(
  names: readonly string[],
  models: readonly Contestant[],
  seed: number,
): Promise<Contestant[]> {
  const version = await packageVersion()
  return baselinesNamed(names).flatMap((baseline: Baseline): Contestant[] => {
    if (baseline.kind === 'number') return []
    if (baseline.kind === 'plain') return [plainContestant(baseline, version)]
    return models.map((model) => seenContestant(baseline, model, seed))
  })
}

function plainContestant({ name, label, maker, applies }: PlainBaseline, version: string): Contestant {
  const hash = versioned(version, maker.hash)
  return {
    model: {
      id: name,
      label,
      role: 'baseline',
      family: null,
      objective: 'none',
      attention: 'none',
      readout: label,
      readouts: [...maker.readouts],
      fingerprint: hash,
      parameters: null,
    },
    open: async () => ({ maker: { ...maker, hash }, close: async () => {} }),
    seen: (task) => (applies(task) ? task : undefined),
  }
}

function seenContestant({ name, label, seen }: SeenBaseline, from: Contestant, seed: number): Contestant {
  const { model } = from
  return {
    ...from,
    model: { ...model, id: `${model.id}-${name}`, label: `${model.label}: ${label}`, role: 'baseline' },
    seen: (task) => {
      const own = from.seen === undefined ? task : from.seen(task)
      return own && seen(own, seed)
    },
  }
}
