/** @file The study: plan, run, report. */

export type { PlanName, StudyOptions, StudyProgress } from './options.ts'
export { runStudy, type StudyResult } from './study.ts'
