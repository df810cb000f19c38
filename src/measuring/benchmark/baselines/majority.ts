import { majorityOf } from '../task.ts'
import type { NumberBaseline } from './baseline.ts'

/** The commonest answer, whatever the query. */
export const majority: NumberBaseline = {
  kind: 'number',
  name: 'majority',
  label: 'the commonest answer',
  of: majorityOf,
}
