import { expect, test } from 'vitest'
import { wantsColor } from './io.ts'
import { ProgressLine, progressText } from './progress.ts'

function written(redraws: boolean, steps: readonly (readonly [ms: number, done: number])[]): string[] {
  const texts: string[] = []
  let now = 0
  const line = new ProgressLine({ write: (text) => texts.push(text), redraws, now: () => now })
  for (const [ms, done] of steps) {
    now = ms
    line.update({ label: 'embed', done, total: 100 })
  }
  return texts
}

test('a terminal shows rate and time left on one line, at most ten times a second', () => {
  expect(
    written(true, [
      [0, 0],
      [50, 5],
      [1000, 20],
      [1050, 21],
    ]),
  ).toEqual(['\r\u001b[Kembed 0/100', '\r\u001b[Kembed 20/100 · 20/s · 4 s left'])
})

test('a finished line is taken away', () => {
  expect(
    written(true, [
      [0, 0],
      [1000, 100],
    ]).at(-1),
  ).toBe('\r\u001b[K')
})

test('a log gets a line after two seconds, then every 15, and at the end; none for short work', () => {
  const short = [
    [0, 0],
    [900, 50],
    [1900, 100],
  ] as const
  expect(written(false, short)).toEqual([])
  const long = [
    [0, 0],
    [1000, 1],
    [2000, 2],
    [9000, 9],
    [17_000, 17],
    [20_000, 100],
  ] as const
  expect(written(false, long)).toEqual([
    'embed 2/100 · 1/s · 1 min 38 s left\n',
    'embed 17/100 · 1/s · 1 min 23 s left\n',
    'embed 100/100 · 5/s\n',
  ])
})

test('phases side by side keep their own clocks', () => {
  const texts: string[] = []
  let now = 0
  const line = new ProgressLine({ write: (text) => texts.push(text), redraws: false, now: () => now })
  for (; now <= 18_000; now += 500) {
    line.update({ label: 'first', done: now / 500, total: 100 })
    line.update({ label: 'second', done: now / 250, total: 100 })
  }
  expect(texts).toEqual([
    'first 4/100 · 2/s · 48 s left\n',
    'second 8/100 · 4/s · 23 s left\n',
    'first 34/100 · 2/s · 33 s left\n',
    'second 68/100 · 4/s · 8 s left\n',
  ])
})

test('a label that starts again has a new clock', () => {
  expect(
    written(true, [
      [0, 0],
      [50_000, 90],
      [60_000, 10],
      [61_000, 20],
    ]).at(-1),
  ).toBe('\r\u001b[Kembed 20/100 · 10/s · 8 s left')
})

test('without a total there is no time left; a note stands behind the count', () => {
  expect(progressText({ label: 'tune', done: 30, note: 'loss 0.5' }, 10_000, 30)).toBe(
    'tune 30 · loss 0.5 · 3/s',
  )
})

test('time left is rounded up', () => {
  expect(progressText({ label: 'embed', done: 999, total: 1000 }, 999_000 / 5, 999)).toBe(
    'embed 999/1000 · 5/s · 1 s left',
  )
})

test.each([
  [{ isTTY: true }, {}, true],
  [{ isTTY: false }, {}, false],
  [{ isTTY: true }, { NO_COLOR: '1' }, false],
  [{ isTTY: true }, { NO_COLOR: '' }, true],
  [{ isTTY: false }, { FORCE_COLOR: '1' }, true],
  [{ isTTY: true }, { TERM: 'dumb' }, false],
])('colours: %j %j', (stream, env, expected) => {
  expect(wantsColor(stream, env)).toBe(expected)
})
