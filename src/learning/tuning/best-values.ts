/** @file The trained values of the best evaluation so far, in a file. */

import { existsSync } from 'node:fs'
import { loadSafetensors, openSafetensors, writeSafetensors } from '../../models/checkpoint/safetensors.ts'
import { hashArrays, type NamedArrays, restoreArrays } from '../training/arrays.ts'
import { TuningError } from './errors.ts'

export class BestValues {
  readonly #path: string
  readonly #identity: string
  readonly #parameters: NamedArrays

  /** @param identity names the run: its settings and data */
  constructor(path: string, identity: string, parameters: NamedArrays) {
    this.#path = path
    this.#identity = identity
    this.#parameters = parameters
  }

  /** Saves the values as they are after `step` updates. @throws FileError */
  async save(step: number): Promise<void> {
    await writeSafetensors(this.#path, this.#parameters, {
      step: String(step),
      identity: this.#identity,
      sha256: hashArrays(this.#parameters),
    })
  }

  /**
   * Puts the saved values into the parameters.
   * @throws TuningError `tuning/best` when the file has not those after `step` updates
   */
  async restore(step: number): Promise<void> {
    const metadata = existsSync(this.#path) ? (await openSafetensors(this.#path)).metadata : {}
    if (metadata.step !== String(step) || metadata.identity !== this.#identity)
      throw this.#changed(`it should hold the values after update ${step}`)
    const saved = Object.fromEntries(await loadSafetensors(this.#path))
    if (metadata.sha256 !== undefined && metadata.sha256 !== hashArrays(saved))
      throw this.#changed('its values are not those that were written')
    restoreArrays(this.#parameters, saved, (problems) => {
      throw this.#changed(problems.join('; '))
    })
  }

  #changed(problem: string): TuningError {
    return new TuningError('best', {
      message: `${this.#path} was changed from outside: ${problem}`,
      hint: 'Remove the folder that it lies in, to tune anew.',
    })
  }
}
