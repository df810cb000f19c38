/** @file The progress of a download: in bytes for programs, in megabytes for people. */

export interface DownloadProgress {
  /** `org/name`, or `org/name@revision`. */
  repository: string
  /** The file whose bytes came last. */
  file: string
  /** Bytes on the disk, of all files, with those of earlier downloads. */
  done: number
  /** Bytes of all files. */
  total: number
}

/** A line of progress. Rounding does not end it before the download has ended. */
export function inMegabytes({ repository, file, done, total }: DownloadProgress): {
  label: string
  done: number
  total: number
  note: string
} {
  const end = Math.max(1, Math.ceil(total / 1e5))
  const steps = done < total ? Math.min(Math.floor(done / 1e5), end - 1) : end
  return { label: `download ${repository}, MB`, done: steps / 10, total: end / 10, note: file }
}
