/** @file `bifocal verify`: fixtures, and the golden vectors of a model. */

import { readFileSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { buildCli, runCli } from '../../test/built-cli.ts'
import { type CliFiles, editConfig, writeCliFiles } from '../../test/cli-files.ts'
import { runHere } from '../../test/command-line.ts'
import { goldenDir } from '../../test/golden.ts'

let files: CliFiles
let model: string
const at = (name: string) => files.at(name)

beforeAll(async () => {
  files = await writeCliFiles()
  model = files.model
  await buildCli()
}, 400_000)
afterAll(() => files.remove())

describe('golden vectors of a model', () => {
  test('are recorded, verified, and missed by a changed model', async () => {
    await cp(model, at('pinned'), { recursive: true })
    writeFileSync(at('golden.jsonl'), '{"text":"a cat"}\n{"image":"red.png"}\n')
    const recorded = await runHere(['verify', at('pinned'), '--record', at('golden.jsonl')])
    expect(recorded).toMatchObject({ code: 0, stdout: expect.stringContaining('golden vectors of 2 items') })
    expect((await runHere(['verify', at('pinned')])).stdout).toMatch(
      /pinned \(contract\)[\s\S]*1 of 1 expected tensors compared/,
    )
    editConfig(at('pinned'), (json) => ({
      ...json,
      text_config: { ...z.looseObject({}).parse(json.text_config), rms_norm_eps: 0.1 },
    }))
    const { code, stdout } = await runHere(['verify', at('pinned')])
    expect(stdout).toMatch(/first difference at stage layer\.00 of case item 0/)
    expect(code).toBe(4)
  })
})

test('items to record may stand in a table of any form', async () => {
  writeFileSync(at('semi.csv'), 'caption;price\na cat;1\na dog;2\n')
  const flags = ['--delimiter', ';', '--columns', 'text=caption', '--out', at('from-table')]
  const { code, stdout } = await runHere(['verify', model, '--record', at('semi.csv'), ...flags])
  expect(stdout).toMatch(/golden vectors of 2 items/)
  expect(code).toBe(0)
  expect((await runHere(['verify', at('from-table')])).code).toBe(0)
})

describe('a fixture', () => {
  test('prints each stage and how many tensors were compared', async () => {
    const { code, stdout } = await runHere(['verify', '--golden', goldenDir('tune-infonce')])
    expect(stdout).toMatch(
      /tune-infonce \(losses\)[\s\S]*loss .*0\.\d+[\s\S]*47 of 47 expected tensors compared/,
    )
    expect(code).toBe(0)
  })

  test('exits with 4 and names the first stage that differs', async () => {
    await cp(goldenDir('tune-infonce'), at('changed'), { recursive: true })
    const cases = join(at('changed'), 'cases.json')
    writeFileSync(cases, readFileSync(cases, 'utf8').replace(/"temperature": ?0\.\d+/, '"temperature": 0.5'))
    const { code, stdout } = await runCli(['verify', '--golden', at('changed')])
    expect(stdout).toMatch(/first difference at stage loss of case one-direction/)
    expect(code).toBe(4)
  })
})
