/** @file `bifocal report`: the page of a tuning, a study, runs, a comparison or an analysis. */

import { command } from '../command.ts'

export const report = command(
  'report <folder...>',
  'Write one offline page of a tuning, a study, runs, a comparison or an analysis',
)
  .option('--out <folder>', 'folder of the page (default: the given one; several runs need it)')
  .action(async ({ folder, out }, io) => {
    const { report } = await import('../../measuring/report/folder.ts')
    const html = await report(folder, { out })
    io.print(`report: ${html}`, { html })
    return 0
  })
