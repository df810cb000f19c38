/** @file Pictures of one pixel, for tests. */

/** A BMP file of one grey pixel. */
export function smallPicture(level: number): Buffer {
  const file = Buffer.alloc(58)
  file.write('BM')
  file.writeUInt32LE(file.length, 2)
  file.writeUInt32LE(54, 10) // where the pixels begin
  file.writeUInt32LE(40, 14) // of the header that follows
  file.writeInt32LE(1, 18) // width
  file.writeInt32LE(1, 22) // height
  file.writeUInt16LE(1, 26)
  file.writeUInt16LE(24, 28) // bits of a pixel
  file.fill(level, 54, 57)
  return file
}
