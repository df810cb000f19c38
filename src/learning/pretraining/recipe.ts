/**
 * @file Sizes and settings of the shipped models. One place, so that what the twins share is shared
 * by construction.
 */

/** Picture side and patch side in pixels: a 4 × 4 grid of image tokens. @see specs/twins.md §2 */
export const PICTURE_SIZE = 96
export const PATCH_SIZE = 24
export const IMAGE_TOKENS = (PICTURE_SIZE / PATCH_SIZE) ** 2

/** Width of every model here, so that the projector changes no width. */
export const HIDDEN = 192
export const HEADS = 6

export const TOWER = { layers: 4, inner: 768, textLayers: 2, textInner: 768, textLength: 24 } as const
export const DECODER = { layers: 4, inner: 512, ropeTheta: 10_000, epsilon: 1e-5, maxPositions: 256 } as const

/** Ids of the tokenizer in all, special tokens included. */
export const VOCABULARY = 2048

export interface TowerTraining {
  steps: number
  /** Pictures a step, half scenes and half single objects. */
  batch: number
  /** Labels of other objects, as further negatives. */
  bank: number
  seed: number
}

export interface TwinTraining {
  steps: number
  batch: number
  seed: number
}

/**
 * Peak learning rates: Muon for the matrices inside blocks, AdamW for the rest.
 * @see specs/twins.md §1.4
 */
export const TOWER_RATES = { muon: 0.02, adamw: 1e-3 } as const
/**
 * At the tower's rates a twin took in noise: reading stood at .42 nats a token after 750 updates,
 * and fell to .10 in 250 more at a third of the rate.
 */
export const TWIN_RATES = { muon: 0.01, adamw: 1e-3 } as const
/**
 * Share of a twin's block matrix that Muon takes away at each update, times the rate. Without it
 * the projections of queries and keys grew to spectral norms of 12 in 4,500 updates and attention
 * to one-hot rows, which learn nothing further and whose denormal weights make an update three
 * times as slow.
 */
export const TWIN_DECAY = 0.1

/**
 * Heads of each of a twin's layers whose keys start as their queries do, and how strongly: a word
 * attends to itself elsewhere from the first update on. Such heads are what a decoder needs to find
 * a named thing, in a text or a picture, and what it learns last.
 */
export const TWIN_MATCHING = { heads: 3, gain: 1 } as const

/**
 * The tower first learns the drawings as they are, to the end of a cool-down; then, warmed up anew,
 * in varied form. Varied from the start, it had named a quarter as many after 750 steps.
 */
export const PLAIN_STEPS = 2_250
/**
 * The last updates show more drawings as they are: at the end of the varied ones .79 of the seen
 * were named, .34 of the withheld.
 */
export const SETTLING_STEPS = 500
/**
 * Shares of pictures that show varied drawings, and of single things as silhouettes: who can't name
 * those can't tell which of two shapes has which colour.
 */
export interface VariedShares {
  readonly varied: number
  readonly silhouettes: number
}
/** Shares of varied pictures and silhouettes in a step of the tower's training. */
export function variedShares({ steps }: TowerTraining, step: number): VariedShares {
  if (step < PLAIN_STEPS) return { varied: 0, silhouettes: 0 }
  return step < steps - SETTLING_STEPS
    ? { varied: 0.7, silhouettes: 0.35 }
    : { varied: 0.3, silhouettes: 0.2 }
}

export const TOWER_TRAINING: TowerTraining = { steps: 6_000, batch: 64, bank: 24, seed: 20260206 }
export const TWIN_TRAINING: TwinTraining = { steps: 5_000, batch: 64, seed: 20260206 }

/** Where an update of the recipe falls in a training of `updates` in all. */
export function scaledTo(updates: number, update: number): number {
  return Math.round((update * updates) / TWIN_TRAINING.steps)
}
