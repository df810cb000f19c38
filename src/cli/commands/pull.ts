/** @file `bifocal pull`: a model from the Hugging Face Hub into the cache. */

import { inMegabytes } from '../../hub/progress.ts'
import type { Pulled } from '../../hub/pull.ts'
import { command } from '../command.ts'

export const pull = command('pull <model>', 'Fetch a model, ORG/NAME[@REVISION], into the Hugging Face cache, or bring it up to date there')
  .option('--include <patterns...>', 'files to fetch, such as "*.json", instead of those that a model needs; never pickled ones')
  .action(async ({ model, include }, io) => {
    const { pullModel } = await import('../../hub/pull.ts')
    const pulled = await pullModel(model, { include, signal: io.signal, onProgress: (at) => io.progress(inMegabytes(at)) })
    io.say(pulledWords(pulled))
    io.print(pulled.folder, pulled)
    return 0
  })

function pulledWords({ repository, commit, files }: Pulled): string {
  const megabytes = (some: Pulled['files']) => `${(some.reduce((sum, { size }) => sum + size, 0) / 1e6).toFixed(1)} MB`
  const fetched = files.filter((file) => file.fetched)
  return `${repository} at ${commit.slice(0, 12)}: ${files.length} files, ${megabytes(files)}; fetched ${fetched.length}, ${megabytes(fetched)}`
}
