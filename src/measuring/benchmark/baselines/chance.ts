import type { NumberBaseline } from './baseline.ts'

/** A blind guess. */
export const chance: NumberBaseline = {
  kind: 'number',
  name: 'chance',
  label: 'chance',
  of: (task) => task.chance,
}
