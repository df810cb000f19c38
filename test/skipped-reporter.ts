/**
 * @file The last line of a run: how many tests were skipped, and which classes of them as a whole.
 */

import type { Reporter, TestModule, TestSuite } from 'vitest/node'
import { hasWhole, reducedNames } from './golden.ts'

/** A file or a block of tests. */
type Group = TestModule | TestSuite

export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    console.log(skippedLine(modules))
  }
}

/** Names the tests that a run left out, in one line. */
export function skippedLine(modules: readonly TestModule[]): string {
  const skipped = modules.reduce((sum, module) => sum + skippedIn(module).skipped, 0)
  const whole = modules.flatMap(wholeGroups)
  const reduced = reducedNames().filter((name) => !hasWhole(name)).length
  const reference = reduced === 0 ? 'whole fixtures' : `${reduced} reduced fixtures, all stages, fewer cases`
  return `Skipped: ${skipped} tests; whole classes: ${whole.join(', ') || 'none'}. Compared with the reference: ${reference}.`
}

function skippedIn(group: Group): { tests: number; skipped: number } {
  const tests = [...group.children.allTests()]
  return { tests: tests.length, skipped: tests.filter((test) => test.result().state === 'skipped').length }
}

/** The largest groups of which no test ran. */
function wholeGroups(group: Group): string[] {
  const { tests, skipped } = skippedIn(group)
  if (skipped === 0) return []
  if (skipped === tests) return [nameOf(group)]
  return [...group.children.suites()].flatMap(wholeGroups)
}

function nameOf(group: Group): string {
  return group.type === 'module'
    ? group.relativeModuleId
    : `${group.module.relativeModuleId} > ${group.fullName}`
}
