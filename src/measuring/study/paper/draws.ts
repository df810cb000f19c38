/** @file Draws of an interval over trainings: runs of one pretraining, or single tunings. */

/** The seeds of a run; models scored as they are have no tuning. */
export interface Seeded {
  readonly pretraining: number
  readonly tuning?: number
}

/**
 * The draws of an interval are pretrainings, or tunings of one pretraining each: then nothing is
 * known of other pretrainings.
 */
export type Drawn = 'pretraining' | 'tuning' | 'nothing'

/** The outer level of which every kind of model has two draws or more. */
export function drawnIn(kinds: readonly (readonly Seeded[])[]): Drawn {
  const seedsOf = (own: readonly Seeded[], seed: 'pretraining' | 'tuning') =>
    new Set(own.map((run) => run[seed])).size
  const found = (['pretraining', 'tuning'] as const).find((seed) =>
    kinds.every((own) => seedsOf(own, seed) > 1),
  )
  return found ?? 'nothing'
}

/** Runs by draw. */
export function drawsOf<T extends Seeded>(runs: readonly T[], drawn: Drawn): T[][] {
  return groupBy(runs, (run) => run[drawn === 'nothing' ? 'pretraining' : drawn])
}

/** In the order of first appearance. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => unknown): T[][] {
  const groups = new Map<unknown, T[]>()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return [...groups.values()]
}
