/** @file Names of the subjects and scores of an analysis. */

import type { Analysis } from '../../../analysis/analysis.ts'

export const labelOf = ({ subjects }: Analysis, id: string) =>
  subjects.find((one) => one.id === id)?.label ?? id

export const scoreLabel = ({ scores }: Analysis, name: string) =>
  scores.find((one) => one.name === name)?.label ?? name
