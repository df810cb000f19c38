import { PassThrough, Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { textOf } from './stdin.ts'

test('all that is piped in', async () => {
  expect(await textOf(Readable.from(['a cat\n', 'a dog\n']), new AbortController().signal)).toBe('a cat\na dog\n')
})

test('an interruption ends the reading, also one from before it began', async () => {
  const controller = new AbortController()
  const reading = textOf(new PassThrough(), controller.signal)
  controller.abort()
  await expect(reading).rejects.toMatchObject({ code: 'interrupted' })
  await expect(textOf(new PassThrough(), controller.signal)).rejects.toMatchObject({ code: 'interrupted' })
})
