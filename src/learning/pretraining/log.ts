/** @file The log of a finished pretraining, read back for its card. */

import { z } from 'zod'

const entrySchema = z.union([
  z.object({ step: z.int(), evaluation: z.record(z.string(), z.number()) }),
  z.object({ step: z.int(), loss: z.number() }),
])

export interface PretrainingLog {
  /** `[step, loss]` of each update, in nats. */
  losses: [step: number, loss: number][]
  evaluations: { step: number; figures: Record<string, number> }[]
}

/** @param text JSON lines as the training wrote them */
export function parseLog(text: string): PretrainingLog {
  const log: PretrainingLog = { losses: [], evaluations: [] }
  for (const line of text.split('\n')) {
    if (line === '') continue
    const entry = entrySchema.parse(JSON.parse(line))
    if ('evaluation' in entry) log.evaluations.push({ step: entry.step, figures: entry.evaluation })
    else log.losses.push([entry.step, entry.loss])
  }
  return log
}

/**
 * Means of `losses` over `every` updates each: what a card's log keeps.
 * @returns `[last step of the span, mean]`
 */
export function meanLosses({ losses }: PretrainingLog, every: number): [step: number, loss: number][] {
  const means: [number, number][] = []
  for (let from = 0; from < losses.length; from += every) {
    const span = losses.slice(from, from + every)
    means.push([span.at(-1)![0], span.reduce((sum, [, loss]) => sum + loss, 0) / span.length])
  }
  return means
}

/** JSON lines: the mean loss of every `every` updates, every evaluation. */
export function trimmedLog(log: PretrainingLog, every: number): string {
  const lines = [
    ...meanLosses(log, every).map(([step, loss]) => ({ step, loss: Number(loss.toFixed(5)) })),
    ...log.evaluations.map(({ step, figures }) => ({ step, evaluation: figures })),
  ]
  return lines
    .sort((a, b) => a.step - b.step)
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('')
}
