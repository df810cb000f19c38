#!/usr/bin/env node
/**
 * @file Entry of the command line. Loads the program when it runs: Node opens all files of a
 * program at once, and where the system forbids so many, only code that is loaded already can say
 * so.
 */

import { failureOf, failureText } from './failure.ts'

try {
  const { runProcess } = await import('./process.ts')
  await runProcess()
} catch (cause) {
  const failure = failureOf(cause, { interrupted: false })
  const json = process.argv.includes('--json')
  const text = failureText(failure, { json, debug: process.env.BIFOCAL_DEBUG === '1' })
  if (text !== undefined) process.stderr.write(`${text}\n`)
  process.exitCode = failure.exitCode
}
