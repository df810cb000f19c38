import { spawn } from 'node:child_process'
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
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
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
  ['one of another machine that has not touched it for long', '1 elsewhere', 60],
  ['one that died before it wrote its name', '', 60],
])('left behind by %s, it is taken over, by one of many', async (_, text, secondsAgo) => {
  await left(text, secondsAgo)
  const all = await Promise.all(Array.from({ length: 8 }, () => takeLock(path)))
  expect(all.filter((one) => 'release' in one)).toHaveLength(1)
  expect(readFileSync(path, 'utf8')).toMatch(`${process.pid} ${hostname()} `)
  expect(readdirSync(dirname(path))).toEqual(['x.lock'])
})

test.runIf(process.platform === 'linux')(
  'of a process whose number a later one has, it is taken over',
  async () => {
    await left(`${process.pid} ${hostname()} 0123456789ab 1`, 60)
    await (await taken()).release()
  },
)

test.runIf(process.platform === 'linux')(
  'of a process that has ended and was not waited for, it is taken over',
  async () => {
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'])
    try {
      const pid = await new Promise<string>((resolve) =>
        parent.stdout.once('data', (text) => resolve(`${text}`.trim())),
      )
      await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') Z '))
      await left(`${pid} ${hostname()}`)
      await (await taken()).release()
    } finally {
      parent.kill('SIGKILL')
    }
  },
)

describe.skipIf(process.platform === 'win32')('of a process that is stopped', () => {
  test('it stays, however long there is no heartbeat', async () => {
    const holder = spawn('sleep', ['60'])
    try {
      holder.kill('SIGSTOP')
      await left(`${holder.pid} ${hostname()}`, 3600)
      expect(await takeLock(path)).toEqual({ pid: holder.pid, host: hostname() })
    } finally {
      holder.kill('SIGKILL')
    }
  })
})

test('released late, it leaves the lock of the one who took over', async () => {
  const lock = await taken()
  writeFileSync(path, '1 elsewhere 0123456789ab')
  await lock.release()
  expect(readFileSync(path, 'utf8')).toBe('1 elsewhere 0123456789ab')
  expect(readdirSync(dirname(path))).toEqual(['x.lock'])
})

test.each([
  ['a living process', `${process.pid} ${hostname()}`, 0],
  ['a living process that has not touched it for long', `${process.pid} ${hostname()}`, 60],
  ['a process of another machine', `${DEAD} elsewhere`, 0],
  ['a process that is writing its name', '', 0],
])('of %s, it stays', async (_, text, secondsAgo) => {
  await left(text, secondsAgo)
  expect(await takeLock(path)).not.toHaveProperty('release')
  expect(readFileSync(path, 'utf8')).toBe(text)
})
