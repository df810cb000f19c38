import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Lock, takeLock } from './lock.ts'

let root: string
let path: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-lock-'))
  path = join(root, 'deep/x.lock')
})
afterEach(() => rmSync(root, { recursive: true }))

/** No process has so high a number. */
const DEAD = 4194305

async function taken(): Promise<Lock> {
  const lock = await takeLock(path)
  if ('release' in lock) return lock
  throw new Error(`held by ${lock.pid}`)
}

async function left(text: string, secondsAgo = 0): Promise<void> {
  await (await taken()).release()
  writeFileSync(path, text)
  const then = new Date(Date.now() - 1000 * secondsAgo)
  utimesSync(path, then, then)
}

test('is had by one, who is named, until it is released', async () => {
  const lock = await taken()
  expect(await takeLock(path)).toEqual({ pid: process.pid, host: hostname() })
  await lock.release()
  expect(existsSync(path)).toBe(false)
  await (await taken()).release()
})

test.each([
  ['a process of this machine that died', `${DEAD} ${hostname()}`, 0],
  ['one that has not touched it for long', `${process.pid} ${hostname()}`, 60],
  ['one of another machine that has not touched it for long', '1 elsewhere', 60],
  ['one that died before it wrote its name', '', 60],
])('left behind by %s, it is taken over, by one of many', async (_, text, secondsAgo) => {
  await left(text, secondsAgo)
  const all = await Promise.all(Array.from({ length: 8 }, () => takeLock(path)))
  expect(all.filter((one) => 'release' in one)).toHaveLength(1)
  expect(readFileSync(path, 'utf8')).toMatch(`${process.pid} ${hostname()} `)
  expect(readdirSync(dirname(path))).toEqual(['x.lock'])
})

test.each([
  ['a living process', `${process.pid} ${hostname()}`],
  ['a process of another machine', `${DEAD} elsewhere`],
  ['a process that is writing its name', ''],
])('of %s, it stays', async (_, text) => {
  await left(text)
  expect(await takeLock(path)).not.toHaveProperty('release')
  expect(readFileSync(path, 'utf8')).toBe(text)
})
