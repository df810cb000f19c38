/** @file Pictures that rows name by path: in folders, and in zip archives that stay packed. */

import { stat } from 'node:fs/promises'
import { join, posix, resolve } from 'node:path'
import { type ByteSource, withFileSource } from '../../foundation/files/byte-source.ts'
import { FileError } from '../../foundation/files/errors.ts'
import { openZip, type ZipArchive } from '../../foundation/files/zip.ts'
import { ItemError } from './errors.ts'
import type { Picture } from './item.ts'
import { filePicture, storedPicture } from './picture.ts'

/** Pictures by their paths. */
export interface PictureFiles {
  /**
   * Finds a picture and its key.
   * @throws MediaError, FileError; ItemError `data/path` for a path that leads out of the place
   */
  open(path: string): Promise<Picture>
  /**
   * The absolute path of a picture that is a file of its own, the bytes of any other.
   * @throws as `open`
   */
  place(path: string): Promise<string | Uint8Array>
  /** Lets go of open archives. */
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

/** An archive of pictures that lies elsewhere: on the hub. */
export interface RemoteArchive {
  /** For messages. */
  readonly name: string
  open(): Promise<ByteSource>
}

/**
 * Pictures of a dataset, whose rows may have been written by anybody: a path that leads out of the
 * dataset is refused. Places are tried in their order, each with the path as it stands, and without
 * a leading `images/`. An archive is opened when it is first needed.
 * @param name of the dataset, for messages
 * @param places folders, and files that end with `.zip`; those that do not exist are passed over;
 *   archives that lie elsewhere
 */
export function datasetPictures(name: string, places: readonly (string | RemoteArchive)[]): PictureFiles {
  const opened = new Map<string | RemoteArchive, Promise<Place>>()
  const placeAt = (path: string | RemoteArchive): Promise<Place> => {
    const found = opened.get(path) ?? openPlace(path)
    opened.set(path, found)
    return found
  }
  const find = async (path: string): Promise<Found> => {
    const inside = pathInside(path, name)
    const spellings = inside.startsWith('images/') ? [inside, inside.slice('images/'.length)] : [inside]
    for (const place of places)
      for (const spelling of spellings) {
        const found = await (await placeAt(place)).find(spelling)
        if (found !== undefined) return found
      }
    throw new FileError('missing', {
      message: `${path} does not exist in ${places.map((place) => (typeof place === 'string' ? place : place.name)).join(', ')}`,
      hint: 'Was the archive of the pictures fetched, and unpacked to its end? A zip archive is read as it is.',
    })
  }
  return {
    open: async (path) => {
      const found = await find(path)
      return typeof found === 'string'
        ? await filePicture(found)
        : await storedPicture(found.name, found.read)
    },
    place: async (path) => {
      const found = await find(path)
      return typeof found === 'string' ? resolve(found) : await found.read()
    },
    close: async () => {
      for (const place of opened.values()) await (await place.catch(() => undefined))?.close()
    },
  }
}

/**
 * The path without dots.
 * @throws ItemError `data/path` for an absolute path, or one that leads out of the dataset
 */
function pathInside(path: string, name: string): string {
  const plain = posix.normalize(path.replaceAll('\\', '/'))
  if (!/^(\/|\.\.(\/|$)|[a-z]:|[a-z][a-z\d+.-]+:)/i.test(plain) && !plain.includes('\0')) return plain
  throw new ItemError('path', {
    message: `the path ${JSON.stringify(path)} leads out of ${name}`,
    hint: 'Paths of pictures are relative to the dataset, and stay in it.',
  })
}

/** The path of a file, or a member of an archive. */
type Found = string | { readonly name: string; read(): Promise<Uint8Array> }

interface Place {
  /** Undefined where the place has no such picture. */
  find(path: string): Promise<Found | undefined>
  close(): Promise<void>
}

async function openPlace(path: string | RemoteArchive): Promise<Place> {
  if (typeof path !== 'string') return zipPlace(await openZip(await path.open()))
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory()) return folderPlace(path)
  return found?.isFile() ? zipPlace(await withFileSource(path, openZip)) : NOWHERE
}

const NOWHERE: Place = { find: async () => undefined, close: async () => {} }

function folderPlace(folder: string): Place {
  return {
    find: async (path) => {
      const file = join(folder, path)
      const there = await stat(file).catch(() => undefined)
      return there === undefined ? undefined : file
    },
    close: async () => {},
  }
}

function zipPlace(archive: ZipArchive): Place {
  return {
    find: async (path) =>
      archive.has(path) ? { name: `${archive.name}: ${path}`, read: () => archive.read(path) } : undefined,
    close: () => archive.close(),
  }
}
