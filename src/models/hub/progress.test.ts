import { expect, test } from 'vitest'
import { inMegabytes } from './progress.ts'

test.each([
  [0, 20, 0, 0.1],
  [19, 20, 0, 0.1],
  [20, 20, 0.1, 0.1],
  [1_999_999, 2_000_000, 1.9, 2],
  [2_000_000, 2_000_000, 2, 2],
  [0, 0, 0.1, 0.1],
])('%s of %s bytes in a line of progress', (done, total, shown, end) => {
  expect(inMegabytes({ repository: 'a/b', file: 'f', done, total })).toEqual({
    label: 'download a/b, MB',
    done: shown,
    total: end,
    note: 'f',
  })
})
