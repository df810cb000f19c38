/** @file `bifocal pull`: a model from the Hugging Face Hub into the cache. */

import { inMegabytes } from '../../models/hub/progress.ts'
import type { Pulled } from '../../models/hub/pull.ts'
import { command } from '../command.ts'

export const pull = command(
  'pull <model>',
  'Fetch a model, ORG/NAME[@REVISION], into the Hugging Face cache, or bring it up to date there',
)
  .option(
    '--include <patterns...>',
    'files to fetch, such as "*.json", instead of those that a model needs; never pickled ones',
  )
  .action(async ({ model, include }, io) => {
    const [{ pullModel }, { companionRepository }] = await Promise.all([
      import('../../models/hub/pull.ts'),
      import('../../models/families/open.ts'),
    ])
    const fetching = {
      signal: io.signal,
      onProgress: (at: Parameters<typeof inMegabytes>[0]) => io.progress(inMegabytes(at)),
    }
    const pulled = await pullModel(model, { include, ...fetching })
    io.say(pulledWords(pulled))
    const companion = include === undefined ? await companionRepository(pulled.folder) : undefined
    if (companion !== undefined) io.say(pulledWords(await pullModel(companion, fetching)))
    io.print(pulled.folder, pulled)
    return 0
  })

function pulledWords({ repository, commit, files }: Pulled): string {
  const megabytes = (some: Pulled['files']) =>
    `${(some.reduce((sum, { size }) => sum + size, 0) / 1e6).toFixed(1)} MB`
  const fetched = files.filter((file) => file.fetched)
  return `${repository} at ${commit.slice(0, 12)}: ${files.length} files, ${megabytes(files)}; fetched ${fetched.length}, ${megabytes(fetched)}`
}
