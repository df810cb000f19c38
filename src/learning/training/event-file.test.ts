/**
 * @file Event files, decoded again. test/oracles/tensorboard_events.py reads them with TensorBoard
 * itself.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { maskedChecksum, openEventFile, scalarsOf } from './event-file.ts'
import { EventSchema, SessionLog_SessionStatus } from './generated/event_pb.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-events-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Messages of a file whose checksums are right. */
function decoded(path: string) {
  const bytes = readFileSync(path)
  const messages = []
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at))
    expect(bytes.readUInt32LE(at + 8)).toBe(maskedChecksum(bytes.subarray(at, at + 8)))
    const body = bytes.subarray(at + 12, at + 12 + length)
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(maskedChecksum(body))
    messages.push(fromBinary(EventSchema, body))
    at += length + 16
  }
  return messages
}

test.each([
  ['nothing', [], 0],
  ['the check string', [...'123456789'].map((c) => c.charCodeAt(0)), 0xe3069283],
  ['32 zeros', new Array<number>(32).fill(0), 0x8a9136aa],
  ['32 ones', new Array<number>(32).fill(255), 0x62a8ab43],
])('the checksum of %s is that of RFC 3720, masked', (_, bytes, crc) => {
  const turned = (crc >>> 15) + (crc & 0x7fff) * 2 ** 17
  expect(maskedChecksum(Uint8Array.from(bytes))).toBe((turned + 0xa282ead8) % 2 ** 32)
})

describe('an event file', () => {
  test('begins with its version; each record holds the scalars of a step', async () => {
    const file = await openEventFile(join(root, 'new'), 0, () => 1_500)
    await file.append(1, { 'train/loss': 2.5, 'train/accuracy': 0.25 })
    await file.append(2, { 'train/loss': -1 })
    expect(readdirSync(join(root, 'new'))).toEqual(['events.out.tfevents.1500.bifocal'])
    const [version, first, second, ...rest] = decoded(file.path)
    expect(version).toMatchObject({ wallTime: 1.5, what: { value: 'brain.Event:2' } })
    expect(first).toMatchObject({
      step: 1n,
      what: {
        value: {
          value: [
            { tag: 'train/loss', value: { value: 2.5 } },
            { tag: 'train/accuracy', value: { value: 0.25 } },
          ],
        },
      },
    })
    expect(second).toMatchObject({ step: 2n, what: { value: { value: [{ value: { value: -1 } }] } } })
    expect(rest).toEqual([])
  })

  test('of a resumed run says from which step on it is right', async () => {
    const { path } = await openEventFile(join(root, 'resumed'), 7)
    expect(decoded(path)[1]).toMatchObject({
      step: 8n,
      what: { case: 'sessionLog', value: { status: SessionLog_SessionStatus.START } },
    })
  })

  test('in a folder that cannot be made is a write error', async () => {
    writeFileSync(join(root, 'file'), '')
    await expect(openEventFile(join(root, 'file', 'events'), 0)).rejects.toMatchObject({
      code: 'file/write',
    })
  })
})

test('the scalars of a line are its numbers, groups of them with their name', () => {
  const update = { step: 3, loss: 2, learningRates: { 'all others': 0.1 }, source: 'a', microLosses: [1, 3] }
  expect(scalarsOf(update)).toEqual({ 'train/loss': 2, 'train/learningRates/all others': 0.1 })
  expect(scalarsOf({ step: 3, evaluation: { loss: 1, hit1: 0.5 } })).toEqual({
    'dev/loss': 1,
    'dev/hit1': 0.5,
  })
})
