/** @file The flags of the benchmarks: whole numbers, each with a default. */

import { parseArgs } from 'node:util'

/** @example numbers({ rounds: 5 }) // node forward.js --rounds 9 → { rounds: 9 } */
export function numbers<Name extends string>(defaults: Readonly<Record<Name, number>>): Record<Name, number> {
  const options = Object.fromEntries(Object.keys(defaults).map((name) => [name, { type: 'string' as const }]))
  const { values } = parseArgs({ options })
  const chosen: Record<Name, number> = { ...defaults }
  for (const name in defaults) if (values[name] !== undefined) chosen[name] = Number(values[name])
  return chosen
}
