import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkVectorPlace } from './place.ts'

let root: string
const at = (name: string) => join(root, name)
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-place-'))
  mkdirSync(at('model/tokenizer'), { recursive: true })
  mkdirSync(at('pictures'))
  writeFileSync(at('blob'), '')
  writeFileSync(at('items.jsonl'), '')
  symlinkSync(at('blob'), at('model/model.safetensors'))
  symlinkSync(at('model'), at('linked'))
  symlinkSync(at('items.jsonl'), at('linked.jsonl'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const check = (out: string, input = 'items.jsonl') =>
  checkVectorPlace(at(out), { input: at(input), folders: [at('model')] })

test.each([
  ['items.jsonl', 'items.jsonl'],
  ['pictures/../items.jsonl', 'items.jsonl'],
  ['linked.jsonl', 'items.jsonl'],
  ['items.jsonl', 'linked.jsonl'],
  ['v.npy', 'v.npy.skipped.jsonl'],
  ['v.npy', 'v.npy.journal'],
  ['model/model.safetensors', 'items.jsonl'],
  ['linked/v.npy', 'items.jsonl'],
  ['linked/no/such/v.npy', 'items.jsonl'],
])('%s for the items of %s is refused', async (out, input) => {
  await expect(check(out, input)).rejects.toMatchObject({
    code: 'embedder/output',
    exitCode: 2,
    message: expect.stringContaining(at(out)),
  })
})

test.each(['v.jsonl', 'pictures/v.npy', 'no/such/v.npy', 'model.npy', 'model-v/v.npy'])(
  '%s is fine',
  async (out) => {
    await check(out)
  },
)
