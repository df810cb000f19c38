import { expect, test } from 'vitest'
import { idsOf } from './names.ts'

test.each<[string, string[], string[]]>([
  ['the last path element', ['a/b', 'c/'], ['b', 'c']],
  ['the name of a shipped model', ['bifocal:twin-ar', 'x/tower'], ['twin-ar', 'tower']],
  ['equal names are numbered', ['x/a', 'y/a', 'z/a'], ['a', 'a-2', 'a-3']],
  ['a number that a folder has already is passed over', ['a-2', 'x/a', 'y/a'], ['a-2', 'a', 'a-3']],
  ['no id of another state', ['x', 'x-tuned', 'x-random-causal'], ['x', 'x-tuned-2', 'x-random-causal-2']],
  ['no id of a baseline', ['pixels', 'chance'], ['pixels-2', 'chance-2']],
])('ids of folders: %s', (_, dirs, ids) => {
  expect(idsOf(dirs)).toEqual(ids)
})
