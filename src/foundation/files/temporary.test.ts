import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lives, removeAbandoned, temporaryPath } from './temporary.ts'

test('what a killed process left is cleared away, and nothing else', async () => {
  const root = mkdtempSync(join(tmpdir(), 'bifocal-temporary-'))
  const { pid: dead } = spawnSync(process.execPath, ['-e', ''])
  expect(lives(dead)).toBe(false)
  const own = temporaryPath('step-1.safetensors')
  const ofTheDead = own.replace(`.${process.pid}@`, `.${dead}@`)
  const stay = [own, ofTheDead.replace('@', '@other-'), '.hidden.tmp', 'step-1.safetensors']
  mkdirSync(join(root, 'below'))
  for (const name of [...stay, ofTheDead, join('below', ofTheDead)]) writeFileSync(join(root, name), 'x')
  await removeAbandoned(root)
  expect(readdirSync(root).sort()).toEqual([...stay, 'below'].sort())
  expect(readdirSync(join(root, 'below'))).toEqual([ofTheDead])
  await removeAbandoned(root, { recursive: true })
  expect(readdirSync(join(root, 'below'))).toEqual([])
  await removeAbandoned(join(root, 'absent'))
  rmSync(root, { recursive: true })
})
