/** @file How far a download is, in bytes for programs and in megabytes for people. */

export interface DownloadProgress {
  /** `org/name`, or `org/name@revision`. */
  repository: string
  /** The file that came last. */
  file: string
  /** Bytes that are there, of all files, those that were there before included. */
  done: number
  /** Bytes of all files. */
  total: number
}

/** A line of progress. Rounded, it is over only when the download is. */
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
