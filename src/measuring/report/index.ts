/** @file The report: `results.json`, `run.json`, one HTML page, and the table for the terminal. */

export { excludesZero } from './lookup.ts'
export * from './results.ts'
export type { StudyRun } from './run.ts'
export { scoreTable } from './table.ts'
export { type WrittenReport, writeReport } from './write.ts'
