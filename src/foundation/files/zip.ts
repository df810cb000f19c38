/**
 * @file Zip archives, read in place: the directory once, then each member where it lies. Nothing is
 * unpacked to disk.
 */

import { isUtf8 } from 'node:buffer'
import { promisify } from 'node:util'
import { crc32, inflateRaw } from 'node:zlib'
import { type Entry, fromRandomAccessReaderPromise, getFileNameLowLevel, validateFileName } from 'yauzl'
import { type ByteSource, memoryBytes, partOf } from './byte-source.ts'
import { FileError } from './errors.ts'
import { readAhead } from './zip-reader.ts'

/** A zip archive whose directory was read. */
export interface ZipArchive {
  /** For messages. */
  readonly name: string
  /** Names of the members, in the order of the directory, without what macOS adds. */
  readonly members: readonly string[]
  has(member: string): boolean
  /**
   * The bytes of a member, unpacked and compared with its checksum.
   * @throws FileError `file/missing` for a member that is not there, `file/archive-member` for one
   *   that is damaged, encrypted or packed in a way that is not read
   */
  read(member: string): Promise<Uint8Array<ArrayBuffer>>
  /**
   * A member as a source. One that is stored as it is, is read where it lies, and its ranges are
   * not compared with its checksum; any other one is unpacked into memory.
   * @throws as `read`
   */
  open(member: string): Promise<ByteSource>
  /** Closes the archive's own source. */
  close(): Promise<void>
}

/** Bytes of a member that is unpacked into memory, at most. */
const MEMBER_LIMIT = 2 ** 30
/** Deflate packs no more than 1,032 bytes into one. */
const MOST_PACKED = 1033

/** A member as the directory describes it. */
interface Member {
  /** Of its own header, in the archive. */
  readonly header: number
  readonly packed: number
  readonly size: number
  readonly crc: number
  readonly method: number
  /** Why it is not read, where that is known. */
  readonly refused?: string
}

const STORED = 0
const DEFLATED = 8

/**
 * Reads the directory of a zip archive; zip64 too. Takes the source over: `close` closes it.
 * @throws FileError `file/archive` for an archive that is cut short or damaged
 */
export async function openZip(source: ByteSource): Promise<ZipArchive> {
  const members = await directoryOf(source)
  const found = (name: string): Member => {
    const member = members.get(name.normalize('NFC'))
    if (member === undefined)
      throw new FileError('missing', {
        message: `${source.name} has no member ${name}`,
        hint: 'Check the path: members are called by their whole path in the archive.',
      })
    if (member.refused !== undefined) throw damaged(source, name, member.refused)
    return member
  }
  const dataOf = async (name: string, member: Member): Promise<ByteSource> =>
    await dataAt(source, name, member)
  const read = async (name: string): Promise<Uint8Array<ArrayBuffer>> => {
    const member = found(name)
    checkSize(source, name, member)
    const data = await dataOf(name, member)
    const packed = await data.read(0, member.packed)
    const bytes = member.method === STORED ? packed : await unpacked(source, name, packed, member.size)
    if (bytes.length !== member.size)
      throw damaged(source, name, `it has ${bytes.length} bytes, the directory says ${member.size}`)
    if (crc32(bytes) !== member.crc) throw damaged(source, name, 'its bytes do not fit its checksum')
    return bytes
  }
  return {
    name: source.name,
    members: [...members.keys()],
    has: (name) => members.has(name.normalize('NFC')),
    read,
    open: async (name) => {
      const member = found(name)
      return member.method === STORED
        ? await dataOf(name, member)
        : memoryBytes(`${source.name}: ${name}`, await read(name))
    },
    close: () => source.close(),
  }
}

/** The members of the directory by their names in NFC. */
async function directoryOf(source: ByteSource): Promise<Map<string, Member>> {
  const members = new Map<string, Member>()
  try {
    const zip = await fromRandomAccessReaderPromise(readAhead(source), source.size, {
      decodeStrings: false,
      validateEntrySizes: false,
      autoClose: false,
    })
    for await (const entry of zip.eachEntry()) {
      const name = nameOf(entry).normalize('NFC')
      if (isClutter(name)) continue
      const member = memberOf(entry, name)
      const other = members.get(name)
      members.set(name, other === undefined || isSame(other, member) ? member : twice(member))
    }
  } catch (cause) {
    if (cause instanceof FileError && cause.code !== 'file/read') throw cause
    throw new FileError('archive', {
      message: `${source.name} is no readable zip archive: ${cause instanceof Error ? cause.message : cause}`,
      hint: 'The file is cut short, damaged, or no zip archive at all (a Git LFS pointer?): fetch it again.',
      cause,
    })
  }
  return members
}

/** macOS writes names in UTF-8 without saying so. */
function nameOf({ fileNameRaw, generalPurposeBitFlag, extraFields }: Entry): string {
  if (isUtf8(fileNameRaw)) return fileNameRaw.toString().replaceAll('\\', '/')
  return getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, false)
}

/** Folders, and files that macOS adds. */
function isClutter(name: string): boolean {
  const last = name.slice(name.lastIndexOf('/') + 1)
  return last === '' || last.startsWith('._') || last === '.DS_Store' || name.startsWith('__MACOSX/')
}

function memberOf(entry: Entry, name: string): Member {
  const refused = refusal(entry, name)
  return {
    header: entry.relativeOffsetOfLocalHeader,
    packed: entry.compressedSize,
    size: entry.uncompressedSize,
    crc: entry.crc32,
    method: entry.compressionMethod,
    ...(refused !== undefined && { refused }),
  }
}

function refusal(entry: Entry, name: string): string | undefined {
  const { compressionMethod: method, compressedSize: packed, uncompressedSize: size } = entry
  if (validateFileName(name) !== null) return 'its path leads out of the archive'
  if (entry.isEncrypted()) return 'it is encrypted'
  if (method !== STORED && method !== DEFLATED)
    return `it is packed by method ${method}, expected 0 (stored) or 8 (deflate)`
  if (method === STORED ? packed !== size : size > packed * MOST_PACKED + 64)
    return `its ${packed} packed bytes cannot hold ${size}`
  return undefined
}

function isSame(a: Member, b: Member): boolean {
  return a.crc === b.crc && a.size === b.size
}

function twice(member: Member): Member {
  return { ...member, refused: 'the archive has two members of this name, which differ' }
}

/** @throws FileError `file/archive-member` */
function checkSize(source: ByteSource, name: string, { size }: Member): void {
  if (size > MEMBER_LIMIT)
    throw damaged(source, name, `it has ${size} bytes, and no more than ${MEMBER_LIMIT} are unpacked`)
}

const HEADER_SIGNATURE = 0x04034b50
const HEADER_SIZE = 30

/** The packed bytes of a member: they stand behind its header, whose length the header tells. */
async function dataAt(source: ByteSource, name: string, { header, packed }: Member): Promise<ByteSource> {
  try {
    const own = await source.read(header, HEADER_SIZE)
    const view = new DataView(own.buffer, own.byteOffset)
    if (view.getUint32(0, true) !== HEADER_SIGNATURE)
      throw damaged(source, name, 'the directory points to bytes that are no member')
    const start = header + HEADER_SIZE + view.getUint16(26, true) + view.getUint16(28, true)
    return partOf(source, `${source.name}: ${name}`, start, packed)
  } catch (cause) {
    if (cause instanceof FileError && cause.code === 'file/read')
      throw damaged(source, name, 'it lies outside the archive', cause)
    throw cause
  }
}

const inflate = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(inflateRaw)

async function unpacked(
  source: ByteSource,
  name: string,
  packed: Uint8Array,
  size: number,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    // No more than promised: a member that unpacks to more is a trap.
    return new Uint8Array(await inflate(packed, { maxOutputLength: Math.max(size, 1) }))
  } catch (cause) {
    throw damaged(
      source,
      name,
      `it cannot be unpacked (${cause instanceof Error ? cause.message : cause})`,
      cause,
    )
  }
}

function damaged(source: ByteSource, member: string, why: string, cause?: unknown): FileError {
  return new FileError('archive-member', {
    message: `${source.name}: ${member} cannot be read: ${why}`,
    hint: 'Fetch the archive again, or write it anew: stored or deflated, without a password.',
    cause,
  })
}
