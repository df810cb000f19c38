/** @file Where the pictures are that rows name by path. */

import { resolve } from 'node:path'
import type { Picture } from '../item.ts'
import { filePicture } from '../picture.ts'

/** Pictures by their paths. */
export interface PictureFiles {
  /**
   * Finds a picture and its key.
   * @throws MediaError, FileError
   */
  open(path: string): Promise<Picture>
  /**
   * The absolute path of a picture that is a file of its own, the bytes of any other.
   * @throws FileError
   */
  place(path: string): Promise<string | Uint8Array>
  close(): Promise<void>
}

/** Pictures as files. Relative paths count from the folder, others are taken as they are. */
export function folderPictures(folder: string): PictureFiles {
  return {
    open: (path) => filePicture(resolve(folder, path)),
    place: async (path) => resolve(folder, path),
    close: async () => {},
  }
}
