/** @file The factor table in words. No effect is claimed whose interval holds zero. */

import { points, pointsRange } from '../../report/format.ts'
import type { Drawn } from './draws.ts'
import type { FactorEffect, FactorScope } from './factors.ts'

/** A difference, and the words for it; of two factors, for how one depends on the other. */
const EFFECTS: Readonly<Record<string, string>> = {
  objective: 'next token − masked diffusion',
  pictures: 'aligned features − discrete codes',
  mask: "a model's own mask − the other one",
  'objective pictures':
    'what next token gains over masked diffusion with aligned features − what it gains with codes',
  'objective mask': 'what its own mask is worth to next token − to masked diffusion',
  'pictures mask': 'what its own mask is worth with aligned features − with codes',
}

export function effectName({ factors, equal }: Pick<FactorEffect, 'factors' | 'equal'>): string {
  const name = EFFECTS[factors.join(' ')] ?? factors.join(' × ')
  return equal === undefined ? name : `${name}, equal ${equal}, aligned features`
}

function scopeName({ metaTask, domain }: FactorScope): string {
  const tasks = metaTask === 'all' ? 'all tasks' : metaTask
  return domain === 'all' ? tasks : `${tasks}, ${domain === 'in' ? 'in domain' : 'out of domain'}`
}

/** The kinds of variation that an interval covers. */
export const COVERS: { readonly [D in Drawn]: string } = {
  pretraining: 'other pretrainings, other tunings, other test rows',
  tuning: 'other tunings and test rows, not other pretrainings',
  nothing: 'other test rows alone',
}

/** One sentence, with its interval, and what that covers. */
export function effectWords(effect: FactorEffect, state: 'tuned' | 'untuned'): string {
  const { interval, drawn } = effect
  const told = interval.low > 0 || interval.high < 0
  const how = state === 'tuned' ? 'tuned alike' : 'as pretrained'
  const range = `95 %: ${pointsRange(interval)}; covers ${COVERS[drawn]}`
  const size = `${points(interval.value)} points of hit@1`
  return told
    ? `${effectName(effect)}, ${how}, ${scopeName(effect.scope)}: ${size} (${range}).`
    : `${effectName(effect)}, ${how}, ${scopeName(effect.scope)}: cannot be told (${size}; ${range}).`
}

/** The table in Markdown. */
export function factorMarkdown(effects: readonly FactorEffect[], state: 'tuned' | 'untuned'): string {
  const rows = effects.map((effect) => {
    const { interval, scope } = effect
    const told = interval.low > 0 || interval.high < 0 ? '' : 'cannot be told'
    const cells = [
      effectName(effect),
      scopeName(scope),
      points(interval.value),
      pointsRange(interval),
      interval.freedom === Infinity ? '' : interval.freedom.toFixed(0),
      told,
    ]
    return `| ${cells.join(' | ')} |`
  })
  const heads = ['effect', 'tasks', 'points', '95 %', 'd.f.', '']
  return [
    `### ${state === 'tuned' ? 'Tuned alike' : 'As pretrained'}`,
    '',
    `| ${heads.join(' | ')} |`,
    `|${heads.map(() => '---').join('|')}|`,
    ...rows,
  ].join('\n')
}
