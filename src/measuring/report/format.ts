/** @file Numbers and names as the page and the terminal spell them. */

import type { Interval, MetaTask, Results, Scope } from './results.ts'

const MINUS = '−'

function fixed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits)
  return value < 0 && Number(text) !== 0 ? `${MINUS}${text}` : text
}

/** A share in [0, 1] as per cent with one digit, without the sign. */
export function percent(value: number): string {
  return fixed(100 * value, 1)
}

/** A difference of shares in points, always with its sign. */
export function points(value: number): string {
  return `${value > 0 ? '+' : ''}${fixed(100 * value, 1)}`
}

/** The interval alone: `10.2 to 14.9`, in per cent. */
export function percentRange({ low, high }: Interval): string {
  return `${percent(low)} to ${percent(high)}`
}

export function pointsRange({ low, high }: Interval): string {
  return `${points(low)} to ${points(high)}`
}

/** Three significant digits for measures of any size. */
export function measured(value: number): string {
  return fixed(value, Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(value), 0.01)))))
}

export const metaTaskNames: Record<MetaTask, string> = {
  classification: 'Classification',
  vqa: 'Visual question answering',
  retrieval: 'Retrieval',
  grounding: 'Grounding',
}

/** Names of the shifts of the embedded tasks, from easy to hard. */
const SHIFTS: ReadonlyMap<string, string> = new Map([
  ['in', 'in-domain'],
  ['out-drawing', 'new drawing'],
  ['out-style', 'new style'],
  ['out-concept', 'new concept'],
  ['out-type', 'new question type'],
])

/** The name of a shift; a shift that is not one of the embedded tasks' goes by its own label. */
export function shiftName(shift: string): string {
  return SHIFTS.get(shift) ?? shift
}

/** The shifts of all tasks, from easy to hard; labels of other tasks come last. */
export function shiftsOf({ tasks }: Pick<Results, 'tasks'>): string[] {
  const found = new Set(tasks.map(({ shift }) => shift))
  const known = [...SHIFTS.keys()]
  return [...known.filter((shift) => found.has(shift)), ...[...found].filter((shift) => !SHIFTS.has(shift))]
}

/** The scope of a mean, as a row label. */
export function scopeName(scope: Scope): string {
  switch (scope.kind) {
    case 'task':
      return scope.task
    case 'metaTask':
      return scope.metaTask === 'vqa' ? 'VQA' : metaTaskNames[scope.metaTask]
    case 'shift':
      return shiftName(scope.shift)
    case 'in-domain':
      return 'all in-domain tasks'
    case 'all':
      return 'all tasks'
    case 'average':
      return scope.average
  }
}

/** Candidates a query: `200`, or `2 to 8` where queries differ. */
export function candidatesWords({ candidates, leastCandidates }: Results['tasks'][number]): string {
  const [least, most] = [leastCandidates ?? candidates, candidates].map((count) => count.toLocaleString('en'))
  return least === most ? `${most}` : `${least} to ${most}`
}

/** Name and state: `AR twin, tuned`. */
export function modelName({ models }: Pick<Results, 'models'>, id: string): string {
  const model = models.find((one) => one.id === id)
  if (model === undefined) return id
  return model.state === 'none' ? model.label : `${model.label}, ${model.state}`
}

/** @example duration(252) // '4 min 12 s' */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}
