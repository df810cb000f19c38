/** @file `bifocal analyze` on files of vectors, and its refusals. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { runHere } from '../../test/command-line.ts'
import { fillNormal, stream } from '../foundation/numeric/random.ts'
import { f32 } from '../foundation/numeric/tensor.ts'
import { writeVectors } from '../models/embedder/vectors/file.ts'

const dir = mkdtempSync(join(tmpdir(), 'bifocal-analyze-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const at = (name: string) => join(dir, name)

beforeAll(async () => {
  for (const [name, rows] of Object.entries({ images: 60, texts: 60, short: 59 })) {
    const vectors = f32([rows, 8], fillNormal(new Float32Array(rows * 8), 1, stream(name)))
    await writeVectors(at(`${name}.npy`), {
      vectors,
      kept: [...vectors.data.keys()].slice(0, rows),
      items: rows,
    })
  }
})

test('two files give tables, and the same JSON on stdout and in a file', async () => {
  const files = ['analyze', '--images', at('images.npy'), '--texts', at('texts.npy')]
  const words = await runHere(files)
  expect(words.code, words.stderr).toBe(0)
  expect(words.stdout).toMatch(/Modality gap.*\n.*Distance of the mean image/)
  expect(words.stdout).toMatch(/remedies, fitted to \d+ pairs and scored on \d+ others/)
  const { stdout } = await runHere([...files, '--json', '--out', at('analysis.json')])
  const json: unknown = JSON.parse(readFileSync(at('analysis.json'), 'utf8'))
  expect(JSON.parse(stdout)).toEqual(json)
  expect(z.looseObject({ kind: z.string() }).parse(json).kind).toBe('vectors')
})

test.each([
  ['nothing at all', [], 2, /nothing to analyse/],
  ['a model and files', ['some-model', '--images', 'a.npy', '--texts', 'b.npy'], 2, /together/],
  ['images alone', ['--images', 'images.npy'], 2, /--images with --texts/],
  ['files of unequal length', ['--images', 'images.npy', '--texts', 'short.npy'], 3, /analysis\/count/],
  ['a file that is not there', ['--images', 'absent.npy', '--texts', 'short.npy'], 3, /file\/missing/],
])('%s is refused', async (_, args, code, says) => {
  const files = args.map((arg) => (arg.endsWith('.npy') ? at(arg) : arg))
  const result = await runHere(['analyze', ...files])
  expect(result.stderr).toMatch(says)
  expect(result.code).toBe(code)
})

test.each([
  [['--data', 'pairs.jsonl'], '--data has no meaning in an analysis of vectors'],
  [['--no-layers'], '--no-layers has no meaning in an analysis of vectors'],
  [['--ablate'], '--ablate has no meaning in an analysis of vectors'],
  [['--limit', '20'], '--limit has no meaning in an analysis of vectors'],
])('%s is refused beside two files of vectors', async (extra, message) => {
  const files = ['analyze', '--images', at('images.npy'), '--texts', at('texts.npy')]
  const { code, stderr } = await runHere([...files, ...extra])
  expect(code).toBe(2)
  expect(stderr).toContain(message)
})

test('pairs to fit are refused beside a model, which would not look at them', async () => {
  const fit = ['--fit-images', at('images.npy'), '--fit-texts', at('texts.npy')]
  const { code, stderr } = await runHere(['analyze', 'bifocal:twin-ar', ...fit])
  expect(code).toBe(2)
  expect(stderr).toContain('--fit-images has no meaning in an analysis of models')
})

test('an output that is a file of vectors is refused, and the file stays', async () => {
  const before = readFileSync(at('images.npy'))
  const files = ['analyze', '--images', at('images.npy'), '--texts', at('texts.npy')]
  const { code, stderr } = await runHere([...files, '--out', at('images.npy')])
  expect(code).toBe(2)
  expect(stderr).toContain('expected the name of a .json file')
  expect(readFileSync(at('images.npy'))).toEqual(before)
})
