import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { withLock } from './lock.ts'

const root = mkdtempSync(join(tmpdir(), 'bifocal-hub-lock-'))
afterAll(() => rmSync(root, { recursive: true }))

test('another process that does not move is told, not waited for without end', async () => {
  const path = join(root, 'stopped.lock')
  const text = `${process.pid} ${hostname()}`
  writeFileSync(path, text)
  const then = new Date(Date.now() - 120_000)
  utimesSync(path, then, then)
  await expect(withLock(path, async () => {})).rejects.toMatchObject({
    code: 'file/in-use',
    exitCode: 2,
    message: expect.stringContaining(`process ${process.pid} on ${hostname()}`),
  })
  expect(readFileSync(path, 'utf8')).toBe(text)
})

test('a lock that is released meanwhile is waited for', async () => {
  const path = join(root, 'released.lock')
  const order: string[] = []
  let end = () => {}
  const first = withLock(path, async () => {
    await new Promise<void>((resolve) => {
      end = resolve
    })
    order.push('first')
  })
  const second = withLock(path, async () => void order.push('second'))
  setTimeout(() => end(), 300)
  await Promise.all([first, second])
  expect(order).toEqual(['first', 'second'])
})
