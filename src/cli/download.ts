/** @file The line that shows a download. */

import type { DownloadProgress } from '../hub/pull.ts'
import type { CommandIo } from './io.ts'

/** For the `onDownload` or `onProgress` of what may fetch a model. */
export function downloadLine(io: Pick<CommandIo, 'progress'>): (at: DownloadProgress) => void {
  const megabytes = (bytes: number) => Math.round(bytes / 1e5) / 10
  return ({ repository, file, done, total }) => {
    // Rounded, a small file could look finished before it is.
    const counted = done < total ? Math.min(megabytes(done), megabytes(total) - 0.1) : megabytes(total)
    io.progress({ label: `download ${repository}, MB`, done: Number(counted.toFixed(1)), total: megabytes(total), note: file })
  }
}
