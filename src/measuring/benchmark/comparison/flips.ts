/** @file Queries on which two models part, with their texts and pictures. */

import type { RowScores } from '../evaluate.ts'
import type { Shown, ShownTask } from '../run/files.ts'
import type { JoinedTask } from './join.ts'
import type { RunOperand } from './operands.ts'
import type { ComparedFlip, ComparedPair } from './report.ts'
import { metricOf } from './scores.ts'

type TaskFlips = ComparedPair['flips'][number]

/** Pictures of a report: more would make a page too large. */
const MOST_PICTURES = 2000

/** Collects the flips of several pairs; a picture that several show is held once. */
export class FlipCollector {
  readonly #places = new Map<string, number>()
  readonly #shown = new Map<string, Promise<ShownTask>>()

  /** `data:` addresses. */
  get pictures(): string[] {
    return [...this.#places.keys()]
  }

  /**
   * @param at      places of the reference and the model among the operands
   * @param most    queries that are shown of each kind
   * @throws as `EvalRun.shown`
   */
  async of(
    { task: { name }, scores }: JoinedTask,
    operands: readonly RunOperand[],
    at: readonly [reference: number, model: number],
    { metric, most }: { metric: string; most: number },
  ): Promise<TaskFlips> {
    const [reference, model] = at.map((place) => ({
      operand: operands[place]!,
      rows: scores[place]!.rows,
    })) as [Side, Side]
    const changes = reference.rows.map((row, i) => ({
      reference: row,
      model: model.rows[i]!,
      change: metricOf(model.rows[i]!, metric) - metricOf(row, metric),
    }))
    const sorted = (sign: number) =>
      changes
        .filter(({ change }) => Math.sign(change) === sign)
        // The clearest first: by the change, then by how far the loser's choice was ahead.
        .sort((a, b) => sign * (b.change - a.change) || ahead(b, sign) - ahead(a, sign))
    const [gained, lost] = [sorted(1), sorted(-1)]
    const shownOf = async (list: readonly Change[]) => {
      const flips: ComparedFlip[] = []
      for (const change of list.slice(0, most)) {
        const found = await this.#flip(name, change, reference.operand, model.operand)
        if (found !== undefined) flips.push(found)
      }
      return flips
    }
    return {
      task: name,
      gainedCount: gained.length,
      lostCount: lost.length,
      gained: await shownOf(gained),
      lost: await shownOf(lost),
    }
  }

  async #flip(
    task: string,
    { reference, model }: Change,
    first: RunOperand,
    second: RunOperand,
  ): Promise<ComparedFlip | undefined> {
    const [own, other] = [await this.#rowOf(task, reference, first), await this.#rowOf(task, model, second)]
    if (own === undefined) return undefined
    const { row, shown } = own
    return {
      id: row.id,
      query: this.#kept(row.query, shown),
      gold: this.#kept(row.gold, shown),
      reference: this.#choice(reference, own),
      model: other === undefined ? null : this.#choice(model, other),
    }
  }

  async #rowOf(task: string, { id }: RowScores, { run }: RunOperand): Promise<ShownRow | undefined> {
    const key = `${run.path} ${task}`
    const shown = this.#shown.get(key) ?? run.shown(task)
    this.#shown.set(key, shown)
    const found = await shown
    const row = found.rows.find((one) => one.id === id)
    return row && { row, shown: found }
  }

  #choice({ predicted }: RowScores, { row, shown }: ShownRow): ComparedFlip['model'] {
    if (predicted === row.goldKey) return this.#kept(row.gold, shown)
    const candidate = row.candidates.find(({ key }) => key === predicted)
    return candidate === undefined ? null : this.#kept(candidate.shown, shown)
  }

  #kept({ text, picture }: Shown, { pictures }: ShownTask): Shown {
    const address = picture === undefined ? undefined : pictures[picture]
    const place = address === undefined ? undefined : this.#placeOf(address)
    return { ...(text !== undefined && { text }), ...(place !== undefined && { picture: place }) }
  }

  #placeOf(address: string): number | undefined {
    const known = this.#places.get(address)
    if (known !== undefined) return known
    if (this.#places.size >= MOST_PICTURES) return undefined
    this.#places.set(address, this.#places.size)
    return this.#places.size - 1
  }
}

interface Side {
  readonly operand: RunOperand
  readonly rows: readonly RowScores[]
}

interface Change {
  readonly reference: RowScores
  readonly model: RowScores
  readonly change: number
}

interface ShownRow {
  readonly row: ShownTask['rows'][number]
  readonly shown: ShownTask
}

function ahead({ reference, model }: Change, sign: number): number {
  return sign > 0 ? reference.scoreGap : model.scoreGap
}
