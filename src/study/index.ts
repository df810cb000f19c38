/** @file The study: plan, run, report. */

export { StudyError } from './errors.ts'
export { PRESETS, type PresetName, type StudyOptions, type StudyProgress } from './options.ts'
export { runStudy, type StudyResult } from './study.ts'
