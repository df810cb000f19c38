/** @file One line of progress: redrawn on a terminal, a line now and then in a log. */

import { duration } from '../measuring/report/format.ts'

/** How far a phase is. */
export interface Progress {
  /** Names the phase. Several may run side by side, each with a clock of its own. */
  readonly label: string
  readonly done: number
  /** Undefined where the end is not known. */
  readonly total?: number
  /** Another thing to show: a loss, say. */
  readonly note?: string
}

export interface ProgressTarget {
  write(text: string): void
  /** Whether the line can be drawn over. */
  readonly redraws: boolean
  /** Milliseconds. */
  now(): number
}

/** Between two drawings, in ms: a terminal shows motion, a log stays short. */
const REDRAW = 100
const LOG = 15_000
/** A phase that is over sooner, in ms, gets no line in a log. */
const BRIEF = 2_000

const CLEAR = '\r\u001b[K'

/** Times in ms. */
interface Phase {
  readonly start: number
  readonly first: number
  done: number
  /** When its latest line went into a log. */
  logged: number | undefined
}

export class ProgressLine {
  readonly #target: ProgressTarget
  readonly #phases = new Map<string, Phase>()
  /** When the terminal's line was drawn. */
  #drew = Number.NEGATIVE_INFINITY
  #drawn = false

  constructor(target: ProgressTarget) {
    this.#target = target
  }

  update(at: Progress): void {
    const now = this.#target.now()
    const finished = at.total !== undefined && at.done >= at.total
    const phase = this.#phaseOf(at, now)
    if (finished) this.#phases.delete(at.label)
    const text = () => progressText(at, now - phase.start, at.done - phase.first)
    if (!this.#target.redraws) {
      const due =
        phase.logged === undefined ? now - phase.start >= BRIEF : finished || now - phase.logged >= LOG
      if (!due) return
      this.#target.write(`${text()}\n`)
      phase.logged = now
    } else if (finished) this.clear()
    else if (now - this.#drew >= REDRAW) {
      this.#target.write(CLEAR + text())
      this.#drew = now
      this.#drawn = true
    }
  }

  /** A label that starts again from less is another phase. */
  #phaseOf({ label, done }: Progress, now: number): Phase {
    const known = this.#phases.get(label)
    if (known !== undefined && done >= known.done) {
      known.done = done
      return known
    }
    const phase = { start: now, first: done, done, logged: undefined }
    this.#phases.set(label, phase)
    return phase
  }

  /** Takes the line away, so that other words can be written. */
  clear(): void {
    if (this.#drawn) this.#target.write(CLEAR)
    this.#drawn = false
  }
}

/**
 * @param elapsed since the phase started, in ms
 * @param gained what was done since
 * @example progressText({ label: 'embed', done: 120, total: 400 }, 4000, 120) // 'embed 120/400 ·
 *   30/s · 10 s left'
 */
export function progressText(
  { label, done, total, note }: Progress,
  elapsed: number,
  gained: number,
): string {
  const rate = elapsed > 0 ? gained / (elapsed / 1000) : 0
  const parts = [`${label} ${total === undefined ? done : `${done}/${total}`}`]
  if (note !== undefined) parts.push(note)
  if (rate > 0) parts.push(`${Number(rate.toPrecision(2))}/s`)
  if (rate > 0 && total !== undefined && done < total)
    parts.push(`${duration(Math.ceil((total - done) / rate))} left`)
  return parts.join(' · ')
}
