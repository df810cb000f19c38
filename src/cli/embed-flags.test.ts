import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { runHere } from '../../test/command-line.ts'
import { writeRandomTwins } from '../../test/random-twins.ts'

let root: string
let model: string

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-flags-'))
  model = (await writeRandomTwins(root)).ar
}, 400_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('--text given several times', () => {
  test('makes an item each, in order', async () => {
    const both = await runHere(['embed', model, '--text', 'a cat', '--text', 'a dog'])
    expect(both.code).toBe(0)
    const [cat, dog] = both.stdout.trim().split('\n')
    const alone = await runHere(['embed', model, '--text', 'a dog'])
    const vector = (line = '') => z.object({ vector: z.array(z.number()) }).parse(JSON.parse(line)).vector
    expect(vector(dog)).toBeAllClose(vector(alone.stdout), { atol: 1e-6 })
    expect(vector(cat)).not.toEqual(vector(dog))
  })

  test('with a picture is refused: which item has it?', async () => {
    const { code, stderr } = await runHere(['embed', model, '--text', 'a', '--text', 'b', '--image', 'c.png'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/usage\/arguments.*--text 2 times together with --image/)
  })
})

const errorSchema = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string(), exitCode: z.number() }),
})

describe('--json: a failure is one line of JSON on stderr', () => {
  test.each([
    ['of the library', ['embed', '/absent', '--text', 'a'], 3],
    ['of the parser', ['embed', '/absent', '--txt', 'a'], 2],
    ['of a flag', ['embed', '/absent', '--text', 'a', '--dims', 'many'], 2],
  ])('%s', async (_, args, code) => {
    const failed = await runHere([...args, '--json'])
    expect(failed.code).toBe(code)
    expect(failed.stdout).toBe('')
    expect(errorSchema.parse(JSON.parse(failed.stderr)).error.exitCode).toBe(code)
  })
})
