/** @file The plan of a tuning: everything that is known before its first update. */

import type { Contract } from '../../../models/embedder/contract.ts'
import type { TuneSettings } from '../settings.ts'

/** A source of pairs, in figures. */
export interface PlannedSource {
  readonly name: string
  /** Pairs that can be read. */
  readonly pairs: number
  readonly train: number
  readonly dev: number
  readonly weight: number
  /** Pairs with a picture on either side. */
  readonly withPictures: number
  /** Hard negatives of all pairs together. */
  readonly negatives: number
  /** Targets that differ. */
  readonly targets: number
  /** Share of the pairs that have the commonest target. */
  readonly commonest: number
  readonly fingerprint: string
}

/** The size of an update, on average of the first ones. */
export interface PlannedUpdate {
  /** Pairs, of all batches of the update. */
  readonly pairs: number
  /** Items that differ: queries, targets, hard negatives. */
  readonly items: number
  /** Positions, without padding. */
  readonly tokens: number
  readonly pictures: number
  /** Chunks that a batch runs in; 1: one graph. */
  readonly chunks: number
}

/** Trained arrays of one kind of module. */
export interface PlannedModules {
  /** The last part of their names. */
  readonly kind: string
  readonly modules: number
  readonly parameters: number
}

/** Time and memory, foretold from shapes and half a second of work of the same kind. */
export interface TuningForecast {
  readonly secondsPerUpdate: number
  /** Of all updates and evaluations. */
  readonly seconds: number
  /** Resident memory at its peak. */
  readonly bytes: number
}

/** A setting, or something about the data, that is known to be poor; and the way out. */
export interface PlanWarning {
  readonly message: string
  readonly hint: string
}

export interface TuningPlan {
  readonly model: { readonly name: string; readonly family: string; readonly parameters: number }
  readonly settings: TuneSettings
  readonly reading: Pick<Contract, 'attention' | 'readout' | 'truncation' | 'maxLength' | 'image'>
  readonly sources: readonly PlannedSource[]
  readonly devPairs: number
  /** Updates between two evaluations. */
  readonly devEvery: number
  readonly updates: number
  /** Times that the pairs are seen. */
  readonly epochs: number
  readonly update: PlannedUpdate
  readonly trained: { readonly parameters: number; readonly modules: readonly PlannedModules[] }
  /** Undefined where the model could not be tried. */
  readonly forecast: TuningForecast | undefined
  /** Settings and data that are known to be poor. */
  readonly warnings: readonly PlanWarning[]
}

/** Counts trained numbers by the last part of their module's name, the most first. */
export function modulesByKind(
  trained: readonly { readonly name: string; readonly size: number }[],
): PlannedModules[] {
  const kinds = new Map<string, { modules: number; parameters: number }>()
  for (const { name, size } of trained) {
    const kind = name.split('.').at(-1) ?? name
    const before = kinds.get(kind) ?? { modules: 0, parameters: 0 }
    kinds.set(kind, { modules: before.modules + 1, parameters: before.parameters + size })
  }
  return [...kinds]
    .map(([kind, counts]) => ({ kind, ...counts }))
    .sort((a, b) => b.parameters - a.parameters || (a.kind < b.kind ? -1 : 1))
}

/** The updates that settings ask for, given the pairs that are trained. */
export function updatesOf(
  { steps, epochs, batch }: Pick<TuneSettings, 'steps' | 'epochs' | 'batch'>,
  pairs: number,
): number {
  if (steps !== null) return steps
  return Math.max(1, Math.ceil(((epochs ?? 1) * pairs) / (batch.size * batch.accumulate)))
}
