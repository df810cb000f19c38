/** @file One line of progress: redrawn on a terminal, a line now and then in a log. */

/** How far a phase is. */
export interface Progress {
  /** Names the phase: a new one starts the clock again. */
  readonly label: string
  readonly done: number
  /** Undefined where the end is not known. */
  readonly total?: number
  /** What else to show: a loss, say. */
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

export class ProgressLine {
  readonly #target: ProgressTarget
  #phase: { label: string; start: number; first: number } | undefined
  #last = Number.NEGATIVE_INFINITY
  #drawn = false

  constructor(target: ProgressTarget) {
    this.#target = target
  }

  update(at: Progress): void {
    const now = this.#target.now()
    const finished = at.total !== undefined && at.done >= at.total
    if (this.#phase?.label !== at.label) {
      this.#phase = { label: at.label, start: now, first: at.done }
      this.#last = Number.NEGATIVE_INFINITY
    }
    const { start, first } = this.#phase
    const text = () => progressText(at, now - start, at.done - first)
    if (!this.#target.redraws) {
      const due = now - this.#last >= LOG || (finished && this.#last >= start)
      if (now - start < BRIEF || !due) return
      this.#target.write(`${text()}\n`)
      this.#last = now
    } else if (finished) this.clear()
    else if (now - this.#last >= REDRAW) {
      this.#target.write(CLEAR + text())
      this.#last = now
      this.#drawn = true
    }
  }

  /** Takes the line away, so that other words can be written. */
  clear(): void {
    if (this.#drawn) this.#target.write(CLEAR)
    this.#drawn = false
  }
}

/**
 * @param elapsed since the phase started, in ms @param gained what was done since
 * @example progressText({ label: 'embed', done: 120, total: 400 }, 4000, 120) // 'embed 120/400 · 30/s · 10 s left'
 */
export function progressText({ label, done, total, note }: Progress, elapsed: number, gained: number): string {
  const rate = elapsed > 0 ? gained / (elapsed / 1000) : 0
  const parts = [`${label} ${total === undefined ? done : `${done}/${total}`}`]
  if (note !== undefined) parts.push(note)
  if (rate > 0) parts.push(`${Number(rate.toPrecision(2))}/s`)
  if (rate > 0 && total !== undefined && done < total) parts.push(`${duration((total - done) / rate)} left`)
  return parts.join(' · ')
}

/** @example duration(75) // '1 min 15 s' */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}
