/** @file docs/evaluation.md names every flag of `bifocal eval`, and no other. */

import { expect, test } from 'vitest'
import { evalCommand } from '../src/cli/commands/eval.ts'
import { textOf } from './pages.ts'

test('the page has every flag of eval once in its table or its list of loading flags', () => {
  const [, flags = ''] = textOf('docs/evaluation.md').split('## Flags')
  const rows = [...flags.matchAll(/^\| `(--[\w-]+)` \|/gm)].map(([, flag]) => flag)
  const [, ...paragraphs] = flags.split('\n\n`--preset`')
  const loading = ['--preset', ...[...paragraphs.join().matchAll(/`(--[\w-]+)`/g)].map(([, flag]) => flag)]
  expect([...rows, ...loading].sort()).toEqual(evalCommand.outline.flags.map(({ name }) => name).sort())
})
