/** @file `bifocal report`: the page of a finished tuning or study, or of runs. */

import { command } from '../command.ts'

export const report = command(
  'report <folder...>',
  'Write one offline page of a tuning, of a study, or of runs: scores, differences, maps, flips',
)
  .option('--out <folder>', 'folder of the page (default: the given one; several runs need it)')
  .action(async ({ folder, out }, io) => {
    const { report } = await import('../../measuring/report/folder.ts')
    const html = await report(folder, { out })
    io.print(`report: ${html}`, { html })
    return 0
  })
