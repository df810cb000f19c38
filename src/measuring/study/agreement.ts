/**
 * @file Which alignment measures agree with the ranking of two models. A measure takes a side only
 * where the intervals of the two models lie apart.
 */

import type { Results } from '../report/results.ts'

type Rows = Pick<Results, 'alignment' | 'measures'>

/** A model of the comparison: its state in `alignment`, and its name for readers. */
export interface Ranked {
  readonly id: string
  readonly label: string
}

/**
 * One sentence; none where the two were not analysed.
 * @param pair better model first; where the ranking is open, either first
 * @param open whether the scores cannot tell the two apart
 */
export function agreementWords(
  [better, worse]: readonly [Ranked, Ranked],
  open: boolean,
  { alignment, measures }: Rows,
): string[] {
  const intervalOf = (model: string, measure: string) =>
    alignment.find((row) => row.model === model && row.measure === measure && row.layer === null)?.interval
  const verdicts = measures.flatMap(({ name, label, direction }): { label: string; sides?: Ranked }[] => {
    const [a, b] = [intervalOf(better.id, name), intervalOf(worse.id, name)]
    if (direction === 'neither' || a === undefined || b === undefined) return []
    if (a.low <= b.high && b.low <= a.high) return [{ label }]
    return [{ label, sides: a.low > b.high === (direction === 'higher') ? better : worse }]
  })
  if (verdicts.length === 0) return []
  const of = (sides: Ranked | undefined) =>
    verdicts.filter((verdict) => verdict.sides === sides).map(({ label }) => label)
  const part = (title: string, labels: readonly string[]) =>
    labels.length === 0 ? [] : [`${title}: ${labels.join(', ')}`]
  const undecided = of(undefined).length
  const parts = [
    ...part(open ? `better aligned is the ${better.label} by` : 'agree with the ranking', of(better)),
    ...part(open ? `better aligned is the ${worse.label} by` : 'disagree with it', of(worse)),
    ...(undecided === 0 ? [] : [`${undecided} cannot tell the two apart`]),
  ]
  return [`Of ${verdicts.length} alignment measures at the readouts in use: ${parts.join('; ')}.`]
}
