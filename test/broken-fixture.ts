/**
 * @file Copies of golden fixtures in which something is wrong: a verification must fail, at the
 * right stage.
 */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import type { Tensor } from '../src/foundation/numeric/tensor.ts'
import { openCheckpoint } from '../src/models/checkpoint/folder.ts'
import { loadSafetensors, writeSafetensors } from '../src/models/checkpoint/safetensors.ts'
import { goldenDir } from './golden.ts'

/** A change to a copied fixture. */
export type Edit = (dir: string) => Promise<void> | void

/**
 * Copies of fixtures, removed after the tests of the file that asked for them.
 * @param folder where a fixture lies; default: among the golden ones
 */
export function fixtureCopies(folder = goldenDir): (name: string) => string {
  const copies = mkdtempSync(join(tmpdir(), 'bifocal-fixtures-'))
  afterAll(() => rmSync(copies, { recursive: true, force: true }))
  return (name) => {
    const dir = mkdtempSync(join(copies, `${name}-`))
    cpSync(folder(name), dir, { recursive: true })
    return dir
  }
}

/** Leaves the named cases, so that a mistake is found in a second. */
export function keepCases(dir: string, ...names: string[]): void {
  const file = join(dir, 'cases.json')
  const fixture: { cases: { name: string }[] } = JSON.parse(readFileSync(file, 'utf8'))
  const cases = fixture.cases.filter(({ name }) => names.includes(name))
  expect(cases).toHaveLength(names.length)
  writeFileSync(file, JSON.stringify({ ...fixture, cases }))
}

export const editText =
  (file: string, from: string | RegExp, to: string): Edit =>
  (dir) => {
    const text = readFileSync(join(dir, file), 'utf8')
    const edited = text.replace(from, to)
    expect(edited).not.toBe(text)
    writeFileSync(join(dir, file), edited)
  }

export const editTensors =
  (file: string, edit: (tensors: Map<string, Tensor>) => void): Edit =>
  async (dir) => {
    const tensors = await loadSafetensors(join(dir, file))
    edit(tensors)
    await writeSafetensors(join(dir, file), Object.fromEntries(tensors))
  }

/** Exchanges two weights of one shape. */
export const swap = (a: string, b: string, file = 'checkpoint/model.safetensors'): Edit =>
  editTensors(file, (tensors) => {
    const [first, second] = [tensors.get(a)!, tensors.get(b)!]
    expect(first.dims).toEqual(second.dims)
    tensors.set(a, second).set(b, first)
  })

/** Turns the sign of every number of a weight, whatever its width. */
export const negated = (name: string, file = 'checkpoint/model.safetensors'): Edit =>
  editTensors(file, (tensors) => {
    const { data } = tensors.get(name)!
    // bf16 tensors are read as 16-bit integers.
    for (let i = 0; i < data.length; i++)
      data[i] = data instanceof Float32Array ? -data[i]! : Number(data[i]) ^ 0x8000
  })

/** Makes one file of a checkpoint's shards, so that a mistake need not know where a weight lies. */
export const joinShards: Edit = async (dir) => {
  const checkpoint = await openCheckpoint(join(dir, 'checkpoint'))
  const tensors = await Promise.all(
    [...checkpoint.tensors.keys()].map(async (name) => [name, await checkpoint.read(name)] as const),
  )
  await writeSafetensors(join(dir, 'checkpoint/model.safetensors'), Object.fromEntries(tensors))
  for (const file of checkpoint.files) rmSync(file)
  rmSync(join(dir, 'checkpoint/model.safetensors.index.json'))
}
