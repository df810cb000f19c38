/** @file `bifocal report`: the page of a finished tuning. */

import { command } from '../command.ts'

export const report = command(
  'report <dir>',
  'Write the page of a finished tuning: curves, worst pairs, settings',
).action(async ({ dir }, io) => {
  const { writeTuningReport } = await import('../../measuring/report/write.ts')
  const html = await writeTuningReport(dir)
  io.print(`report: ${html}`, { html })
  return 0
})
