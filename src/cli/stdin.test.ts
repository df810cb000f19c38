import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { piecesOf } from './stdin.ts'

test('all that is piped in', async () => {
  const bytes = Buffer.from('a cät\na dog\n')
  const cut = bytes.indexOf(0xc3) + 1
  const halves = Readable.from([bytes.subarray(0, cut), bytes.subarray(cut)], { objectMode: false })
  expect(await text(piecesOf(halves, new AbortController().signal))).toBe('a cät\na dog\n')
})

test('a piece is given before the stream ends', async () => {
  const stream = new PassThrough()
  const pieces = piecesOf(stream, new AbortController().signal)
  stream.write('a cat\n')
  expect(await pieces.next()).toEqual({ done: false, value: Buffer.from('a cat\n') })
  stream.end()
  expect(await pieces.next()).toMatchObject({ done: true })
})

test('an interruption ends the reading, also between two pieces, and one from before it began', async () => {
  const controller = new AbortController()
  const stream = new PassThrough()
  const pieces = piecesOf(stream, controller.signal)
  stream.write('a cat\n')
  await pieces.next()
  const waiting = text(piecesOf(new PassThrough(), controller.signal))
  controller.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'interrupted' })
  await expect(pieces.next()).rejects.toMatchObject({ code: 'interrupted' })
  await expect(text(piecesOf(new PassThrough(), controller.signal))).rejects.toMatchObject({
    code: 'interrupted',
  })
})
