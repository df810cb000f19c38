/** @file A clock for the phases of a study; goes into run.json only. */

import type { StudyRun } from '../report/run.ts'

export class Phases {
  readonly #phases = new Map<string, { seconds: number; resumed: number }>()

  /** Runs `work` and adds its time to the phase; phases of several models overlap. */
  async time<T>(name: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now()
    try {
      return await work()
    } finally {
      this.#at(name).seconds += (performance.now() - start) / 1000
    }
  }

  /** Counts results that were found on disk. */
  resumed(name: string, count: number): void {
    this.#at(name).resumed += count
  }

  get list(): StudyRun['phases'] {
    return [...this.#phases].map(([name, { seconds, resumed }]) => ({
      name,
      seconds,
      ...(resumed > 0 ? { resumed } : {}),
    }))
  }

  #at(name: string): { seconds: number; resumed: number } {
    const found = this.#phases.get(name) ?? { seconds: 0, resumed: 0 }
    this.#phases.set(name, found)
    return found
  }
}
