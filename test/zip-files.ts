/** @file Zip archives, for tests: sound ones, and any field of a member wrong. */

import { crc32, deflateRawSync } from 'node:zlib'

export interface ZipMember {
  name: string
  bytes: Uint8Array
  method?: number
  /** Written in the place of the true values. */
  size?: number
  crc?: number
  flags?: number
  /** Whether the sizes and the place of the member stand in 64 bits. */
  wide?: boolean
  /** Bytes between the member's header and its data. */
  extra?: Uint8Array
}

/** The bytes of an archive. */
export function zipOf(members: readonly ZipMember[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  const put = (...pieces: readonly Uint8Array[]) => {
    for (const piece of pieces) {
      parts.push(Buffer.from(piece))
      at += piece.length
    }
  }
  for (const member of members) {
    const { bytes, method = 0, flags = 0x800, wide = false, extra = new Uint8Array(0) } = member
    const packed = method === 8 ? deflateRawSync(bytes) : bytes
    const name = Buffer.from(member.name)
    const [size, crc, start] = [member.size ?? bytes.length, member.crc ?? crc32(bytes), at]
    const fields = fieldsOf({ flags, method, crc, name, packed: packed.length, size, wide })
    put(le(4, 0x04034b50), fields, le(2, name.length), le(2, extra.length), name, extra, packed)
    const far = wide
      ? Buffer.concat([le(2, 1), le(2, 24), le(8, size), le(8, packed.length), le(8, start)])
      : Buffer.alloc(0)
    directory.push(
      Buffer.concat([le(4, 0x02014b50), le(2, 45), fields, le(2, name.length), le(2, far.length)]),
      Buffer.concat([le(2, 0), le(2, 0), le(2, 0), le(4, 0), le(4, wide ? 0xffffffff : start), name, far]),
    )
  }
  const start = at
  put(...directory)
  put(
    le(4, 0x06054b50),
    le(4, 0),
    le(2, members.length),
    le(2, members.length),
    le(4, at - start),
    le(4, start),
    le(2, 0),
  )
  return Buffer.concat(parts)
}

interface Fields {
  flags: number
  method: number
  crc: number
  name: Buffer
  packed: number
  size: number
  wide: boolean
}

function fieldsOf({ flags, method, crc, packed, size, wide }: Fields): Buffer {
  const sizes = wide ? [0xffffffff, 0xffffffff] : [packed, size]
  return Buffer.concat([
    le(2, 45),
    le(2, flags),
    le(2, method),
    le(4, 0),
    le(4, crc),
    ...sizes.map((one) => le(4, one)),
  ])
}

/** A number of 2, 4 or 8 bytes, the lowest first. */
function le(length: number, value: number): Buffer {
  const bytes = Buffer.alloc(length)
  if (length === 8) bytes.writeBigUInt64LE(BigInt(value))
  else bytes.writeUIntLE(value, 0, length)
  return bytes
}
