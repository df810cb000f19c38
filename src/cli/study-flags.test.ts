/** @file Flags of `study` that the command line alone decides. */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { runHere } from '../../test/command-line.ts'
import { TASK_NAMES } from '../inputs/scenes/tasks/suite.ts'
import { MASKS as STUDY_MASKS } from '../measuring/benchmark/words.ts'
import { command } from './command.ts'
import { MASKS, TASKS } from './commands/study.ts'
import { terminalIo } from './io.ts'

test('help lists the tasks and masks that there are', () => {
  expect(TASKS).toEqual(TASK_NAMES)
  expect(MASKS).toEqual(STUDY_MASKS)
})

test.each<[string, string[], string | false | undefined]>([
  ['neither', [], undefined],
  ['a part', ['--tune', 'all'], 'all'],
  ['no part', ['--no-tune'], false],
])('--tune and --no-tune: %s', async (_, words, expected) => {
  let tune: string | false | undefined = 'not run'
  const parser = new Command()
  command('try', 'a command')
    .option('--tune <part>', 'what is trained')
    .option('--no-tune', 'nothing is')
    .action(async (given) => {
      tune = given.tune
      return 0
    })
    .register(
      parser,
      (json) => terminalIo(json, new AbortController().signal, process),
      () => {},
    )
  await parser.parseAsync(['try', ...words], { from: 'user' })
  expect(tune).toBe(expected)
})

test('earlier results are for the plan paper alone, and are read before anything is made', async () => {
  const other = await runHere(['study', '--records', 'paper.json'])
  expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('--records without --plan paper')])
  const absent = await runHere(['study', '--plan', 'paper', '--records', '/nowhere/paper.json'])
  expect([absent.code, absent.stderr]).toEqual([3, expect.stringContaining('/nowhere/paper.json')])
})

describe('the plan checkpoints', () => {
  const refused = async (...words: string[]) => {
    const { code, stderr } = await runHere(['study', ...words])
    return `${code} ${stderr}`
  }

  test.each<[string[], string]>([
    [['--data', 'a.jsonl', '--models', 'm', '--controls', 'no'], '--controls with --plan checkpoints'],
    [['--data', 'a.jsonl', '--models', 'm', '--no-tune'], '--data with --no-tune'],
    [['--data', 'a.jsonl', '--models', 'm', '--rank', '4', '--tune', 'all'], '--rank with --tune all'],
    [['--data', 'a.jsonl'], 'no models'],
    [['--plan', 'checkpoints', '--models', 'm'], 'no pairs were named'],
    [['--plan', 'quick', '--limit', '3'], '--limit without --plan checkpoints'],
    [['--tasks', 'scene-t2j'], 'Did you mean "scene-t2i"'],
  ])('%s', async (words, message) => {
    expect(await refused(...words)).toMatch(new RegExp(`^2 [^]*${message.replaceAll('-', '\\-')}`))
  })

  test('tasks of other files choose it; its dry run writes nothing', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'bifocal-study-'))
    const rows = ['a', 'b', 'c'].map((name) => JSON.stringify({ query: `is ${name}`, target: name }))
    writeFileSync(join(dir, 'rows.jsonl'), rows.join('\n'))
    const words = [
      '--tasks',
      join(dir, 'rows.jsonl'),
      '--kind',
      'vqa',
      '--models',
      'bifocal:tower',
      '--no-tune',
    ]
    const out = join(dir, 'out')
    const { code, stdout } = await runHere(['study', ...words, '--dry-run', '--out', out])
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^tasks: rows; 3 rows\nscore Dual encoder: 6 items/),
    ])
    expect(existsSync(out)).toBe(false)
    rmSync(dir, { recursive: true, force: true })
  })
})
