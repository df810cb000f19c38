import { describe, expect, test } from 'vitest'
import { stream } from '../../../foundation/numeric/random.ts'
import { type Cell, computeTable, FACTORS, type FactorRun, type FactorTask, factorTable } from './factors.ts'

const ROWS = 240
const SEEDS = [11, 12, 13]
const options = { seed: 5, resamples: 200 }
const rowsOf = (name: string) => Array.from({ length: ROWS }, (_, i) => `${name} ${i >> 1}`)
const tasks: FactorTask[] = [
  { name: 'label', metaTask: 'classification', domain: 'in', clusters: rowsOf('label') },
  { name: 'what', metaTask: 'vqa', domain: 'in', clusters: rowsOf('what') },
  { name: 'held-out', metaTask: 'vqa', domain: 'out', clusters: rowsOf('held-out') },
]

/** Effects in rows of 240, so that hits are whole. */
interface Known {
  /** Half of the difference that a factor makes. */
  objective: number
  pictures: number
  mask: number
  /** A quarter of the difference of differences. */
  both: number
  /** On the out-of-domain task alone. */
  objectiveOut: number
}

/** Every run hits as many rows as the effects say, and up to two more or fewer by its seeds. */
function experiment(known: Known, masks: readonly Cell['mask'][] = ['native']): FactorRun[] {
  const runs: FactorRun[] = []
  for (const objective of FACTORS.objective)
    for (const pictures of FACTORS.pictures)
      for (const mask of masks)
        for (const pretraining of SEEDS)
          for (const tuning of SEEDS) {
            const [o, p, m] = [
              objective === 'next-token' ? 1 : -1,
              pictures === 'aligned' ? 1 : -1,
              mask === 'native' ? 1 : -1,
            ]
            const hits = tasks.map(({ domain }, task) => {
              const effect =
                known.objective * o +
                known.pictures * p +
                known.mask * m +
                known.both * o * p +
                (domain === 'out' ? known.objectiveOut * o : 0)
              // The seeds' own rows sum to nothing, so effects stay exact.
              const wanted = 120 + effect + (pretraining - 12) + (tuning - 12)
              return scattered(wanted, stream(task, 'rows'))
            })
            runs.push({ cell: { objective, pictures, mask }, pretraining, tuning, hits })
          }
  return runs
}

/** `hits` ones, the same rows first in every run: what is easy is easy for all. */
function scattered(hits: number, random: () => number): number[] {
  const order = Array.from({ length: ROWS }, (_, i) => ({ i, at: random() })).sort((a, b) => a.at - b.at)
  const own = new Array<number>(ROWS).fill(0)
  for (const { i } of order.slice(0, hits)) own[i] = 1
  return own
}

function effect(found: ReturnType<typeof factorTable>, factors: string, scope = 'all all') {
  const one = found.find(
    (each) => each.factors.join(' ') === factors && `${each.scope.metaTask} ${each.scope.domain}` === scope,
  )
  return one!
}

describe('the factor table', () => {
  test('finds two main effects, and no interaction where there is none', () => {
    const found = factorTable(
      experiment({ objective: 6, pictures: 24, mask: 0, both: 0, objectiveOut: 0 }),
      tasks,
      options,
    )
    const [objective, pictures, both] = ['objective', 'pictures', 'objective pictures'].map((name) =>
      effect(found, name),
    )
    expect(objective!.interval.value).toBeCloseTo(12 / 240, 9)
    expect(pictures!.interval.value).toBeCloseTo(48 / 240, 9)
    expect(both!.interval.value).toBeCloseTo(0, 9)
    expect(objective!.interval.low).toBeGreaterThan(0)
    expect(pictures!.interval.low).toBeGreaterThan(0)
    expect(both!.interval.low).toBeLessThan(0)
    expect(both!.interval.high).toBeGreaterThan(0)
    expect(objective!.drawn).toBe('pretraining')
    expect(objective!.draws).toEqual([3, 3, 3, 3])
  })

  test('finds an interaction: next-token gains more from aligned pictures', () => {
    const found = factorTable(
      experiment({ objective: 0, pictures: 10, mask: 0, both: 8, objectiveOut: 0 }),
      tasks,
      options,
    )
    expect(effect(found, 'objective').interval.value).toBeCloseTo(0, 9)
    const both = effect(found, 'objective pictures').interval
    expect(both.value).toBeCloseTo(32 / 240, 9)
    expect(both.low).toBeGreaterThan(0)
  })

  test('an effect out of domain stays there', () => {
    const found = factorTable(
      experiment({ objective: 0, pictures: 0, mask: 0, both: 0, objectiveOut: 12 }),
      tasks,
      options,
    )
    const at = (scope: string) => effect(found, 'objective', scope).interval
    expect(at('all out').value).toBeCloseTo(24 / 240, 9)
    expect(at('all in').value).toBeCloseTo(0, 9)
    expect(at('vqa all').value).toBeCloseTo(12 / 240, 9)
    expect(at('all in').low).toBeLessThan(0)
    expect(at('all out').low).toBeGreaterThan(0)
  })

  test('masks are compared on the trainings that both masks have', () => {
    const both = experiment({ objective: 4, pictures: 4, mask: 9, both: 0, objectiveOut: 0 }, FACTORS.mask)
    // Only the first tuning has the other mask; the others would shift a mean over all runs.
    const runs = both.filter(({ cell, tuning }) => cell.mask === 'native' || tuning === SEEDS[0])
    const found = factorTable(runs, tasks, options)
    const mask = effect(found, 'mask').interval
    expect(mask.value).toBeCloseTo(18 / 240, 9)
    // The same pretraining under both masks: its own level cancels out, and nothing else varies.
    expect(mask.shares.trainings).toBeLessThan(0.05)
    expect(effect(found, 'objective mask').interval.value).toBeCloseTo(0, 9)
  })

  test('a cell without runs leaves its effects out; one pretraining is told', () => {
    const runs = experiment({ objective: 5, pictures: 5, mask: 0, both: 0, objectiveOut: 0 })
    const none = runs.filter(({ cell }) => cell.objective === 'next-token' || cell.pictures === 'aligned')
    expect(factorTable(none, tasks, options)).toEqual([])
    const [first] = SEEDS
    const found = factorTable(
      runs.filter(({ pretraining }) => pretraining === first),
      tasks,
      options,
    )
    expect(effect(found, 'objective').drawn).toBe('tuning')
    expect(found.some(({ factors }) => factors.includes('mask'))).toBe(false)
  })
})

describe('equal compute', () => {
  const design = experiment({ objective: 6, pictures: 24, mask: 0, both: 0, objectiveOut: 0 }, FACTORS.mask)
  /** Of half as many updates: ten rows fewer than the others of its cell, twelve out of domain. */
  const half = experiment({ objective: 16, pictures: 24, mask: 0, both: 0, objectiveOut: 12 })
    .filter(({ cell }) => cell.objective === 'masked-diffusion' && cell.pictures === 'aligned')
    .map((run): FactorRun => ({ ...run, equalCompute: true }))

  test('the effect is found, beside that of equal updates on the same pictures', () => {
    const found = computeTable([...design, ...half], tasks, options)
    const of = (equal: string, domain: string) =>
      found.find((one) => one.equal === equal && one.scope.metaTask === 'all' && one.scope.domain === domain)!
    // Next token: 6 rows above the middle of the pictures' cell; half: 16 below, out of domain 28.
    expect(of('compute', 'in').interval.value).toBeCloseTo((6 + 16) / 240, 9)
    expect(of('compute', 'out').interval.value).toBeCloseTo((6 + 16 + 12) / 240, 9)
    expect(of('updates', 'in').interval.value).toBeCloseTo(12 / 240, 9)
    expect(of('compute', 'in').interval.low).toBeGreaterThan(of('updates', 'in').interval.value)
    expect(of('compute', 'all').draws).toEqual([3, 3])
    expect(of('compute', 'all').drawn).toBe('pretraining')
  })

  test('no difference is not told: its interval holds zero', () => {
    const same = half.map((run) => ({
      ...run,
      hits: design.find(
        ({ cell, pretraining, tuning }) =>
          cell.objective === 'next-token' &&
          cell.pictures === 'aligned' &&
          cell.mask === 'native' &&
          pretraining === run.pretraining &&
          tuning === run.tuning,
      )!.hits,
    }))
    const [first] = computeTable([...design, ...same], tasks, options)
    expect(first!.interval.value).toBeCloseTo(0, 9)
    expect(first!.interval.low).toBeLessThan(0)
    expect(first!.interval.high).toBeGreaterThan(0)
  })

  test('without its runs there is no row, and the design does not change with them', () => {
    expect(computeTable(design, tasks, options)).toEqual([])
    expect(factorTable([...design, ...half], tasks, options)).toEqual(factorTable(design, tasks, options))
  })
})
