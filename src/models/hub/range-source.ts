/** @file A file on the hub as a source of bytes: each read is a request for its range. */

import type { ByteSource } from '../../foundation/files/byte-source.ts'
import { FileError } from '../../foundation/files/errors.ts'
import { bodyOf } from './body.ts'
import { fileUrl, type RemoteFile } from './listing.ts'
import { strange } from './refusal.ts'
import type { Repository } from './repository.ts'
import { ask } from './request.ts'
import type { HubSettings } from './settings.ts'

/**
 * A file, nothing of which was fetched yet. Its `read` throws HubError, and FileError `file/read`
 * for a range outside the file.
 * @param repository at a commit: a branch may move between two reads
 */
export function rangeSource(
  { name: file, size }: Pick<RemoteFile, 'name' | 'size'>,
  repository: Repository,
  { settings, signal }: { settings: HubSettings; signal?: AbortSignal },
): ByteSource {
  const name = `${repository.id}: ${file}`
  return {
    name,
    size,
    async read(start, length) {
      if (!(start >= 0 && length >= 0 && start + length <= size)) {
        throw new FileError('read', {
          message: `${name} has ${size} bytes: there are none from ${start} to ${start + length}`,
          hint: 'The file is damaged where it points into itself: tell the authors of the data set.',
        })
      }
      if (length === 0) return new Uint8Array(0)
      const headers = { range: `bytes=${start}-${start + length - 1}` }
      return await ask(
        fileUrl(repository, file, settings),
        { asked: { repository, file }, settings, headers, signal },
        async (response) => {
          // A server that sends the whole file may send gigabytes.
          if (response.status !== 206) {
            await response.body?.cancel()
            throw strange(name, `status ${response.status} for a range of bytes`, settings)
          }
          const bytes = new Uint8Array(length)
          let at = 0
          for await (const piece of bodyOf(response, { settings, signal })) {
            if (at + piece.length > length) throw strange(name, 'more bytes than its range has', settings)
            bytes.set(piece, at)
            at += piece.length
          }
          if (at < length) throw strange(name, `${at} bytes for a range of ${length}`, settings)
          return bytes
        },
      )
    },
    close: async () => {},
  }
}
