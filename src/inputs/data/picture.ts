/**
 * @file Pictures that lie in files: known by the hash of their bytes, which are read again when the
 * picture is decoded. So a list of a million pictures holds a million keys and no bytes.
 */

import { createHash } from 'node:crypto'
import { FileError } from '../../foundation/files/errors.ts'
import { decodeImage, isJpeg, readPictureFile } from '../media/decode.ts'
import type { Picture } from './item.ts'

/**
 * Makes a picture of bytes that can be read again. Its key is that of the same bytes in memory.
 * @param name for messages
 * @param read gives the bytes of the picture's file, whenever it is called
 * @param first these bytes, where the caller has them already; they are not kept
 * @throws what `read` throws. The picture's own `read` throws it too, and MediaError for what the
 *   bytes are, FileError `file/changed` for bytes that are others than before
 */
export async function storedPicture(
  name: string,
  read: () => Promise<Uint8Array>,
  first?: Uint8Array,
): Promise<Picture> {
  const known = first ?? (await read())
  const key = keyOf(known)
  return {
    key,
    jpeg: isJpeg(known),
    read: async () => {
      const bytes = await read()
      if (keyOf(bytes) === key) return await decodeImage(bytes, { name })
      throw new FileError('changed', {
        message: `${name} changed since its item was made`,
        hint: 'Leave pictures alone while they are used, and start the command again.',
      })
    },
  }
}

/**
 * A picture in a file of its own. @throws MediaError `media/address`, `media/too-large`; FileError
 */
export async function filePicture(path: string): Promise<Picture> {
  return await storedPicture(path, () => readPictureFile(path))
}

function keyOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
