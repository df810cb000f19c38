/**
 * @file An event file that TensorBoard reads: records of TensorFlow's format with one message each.
 * @see https://github.com/tensorflow/tensorboard (backend/event_processing)
 */

import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { writeFailure } from '../../foundation/files/errors.ts'
import { makeFolder } from '../../foundation/files/file.ts'
import { EventSchema, SessionLog_SessionStatus } from './generated/event_pb.ts'
import type { LogEntry } from './log.ts'

type EventMessage = MessageInitShape<typeof EventSchema>

export interface EventFile {
  readonly path: string
  /**
   * @param step    updates done
   * @param scalars by tag, e.g. `train/loss`
   * @throws FileError `file/write`, `file/disk-full`
   */
  append(step: number, scalars: Readonly<Record<string, number>>): Promise<void>
}

/**
 * Begins a file in `dir`, one for each run: its name and its records hold times, so no two runs
 * write the same bytes.
 * @param step updates that a run before had done: readers drop its events of later ones
 * @param now  milliseconds since 1970
 * @throws FileError `file/write`, `file/disk-full`
 */
export async function openEventFile(
  dir: string,
  step: number,
  now: () => number = Date.now,
): Promise<EventFile> {
  const path = join(dir, `events.out.tfevents.${now()}.bifocal`)
  const failed = (cause: unknown) => {
    throw writeFailure(path, cause)
  }
  const write = async (event: EventMessage) => {
    const message = toBinary(EventSchema, create(EventSchema, { wallTime: now() / 1000, ...event }))
    await appendFile(path, record(message)).catch(failed)
  }
  await makeFolder(dir).catch(failed)
  await write({ what: { case: 'fileVersion', value: 'brain.Event:2' } })
  if (step > 0) {
    const status = SessionLog_SessionStatus.START
    await write({ step: BigInt(step + 1), what: { case: 'sessionLog', value: { status } } })
  }
  return {
    path,
    append: async (step, scalars) => {
      const value = Object.entries(scalars).map(([tag, simpleValue]) => ({
        tag,
        value: { case: 'simpleValue' as const, value: simpleValue },
      }))
      await write({ step: BigInt(step), what: { case: 'summary', value: { value } } })
    },
  }
}

/**
 * The numbers of a log's line, by tag: `train/loss`, `train/learningRates/matrices`, `dev/hit1`.
 * Numbers in lists have no tag.
 */
export function scalarsOf({ step: _, evaluation, ...update }: LogEntry): Record<string, number> {
  return Object.fromEntries(
    evaluation === undefined ? numbersIn('train', update) : numbersIn('dev', evaluation),
  )
}

function numbersIn(tag: string, value: unknown): [tag: string, number][] {
  if (typeof value === 'number') return [[tag, value]]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  return Object.entries(value).flatMap(([key, inner]) => numbersIn(`${tag}/${key}`, inner))
}

/** Length as u64, its checksum, the bytes, their checksum; all little-endian. */
function record(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length + 16)
  const view = new DataView(out.buffer)
  view.setBigUint64(0, BigInt(bytes.length), true)
  view.setUint32(8, maskedChecksum(out.subarray(0, 8)), true)
  out.set(bytes, 12)
  view.setUint32(12 + bytes.length, maskedChecksum(bytes), true)
  return out
}

/** A checksum as TFRecord stores it: turned by 15 bits, plus a constant. */
export function maskedChecksum(bytes: Uint8Array): number {
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/** Remainders of each byte for Castagnoli's polynomial, bits reversed. */
const REMAINDERS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = REMAINDERS[(crc ^ byte) & 0xff]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
