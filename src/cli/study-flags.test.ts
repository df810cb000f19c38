/** @file Flags of `study` that the command line alone decides. */

import { Command } from 'commander'
import { expect, test } from 'vitest'
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
