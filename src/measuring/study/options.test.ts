import { expect, test } from 'vitest'
import { runStudy } from './study.ts'

test.each([
  [undefined, /runStudy: expected an object of options/],
  [{}, /runStudy: out/],
  [{ out: 'never', seeds: 8 }, /runStudy: there is no option "seeds"/],
  [{ out: 'never', steps: 0 }, /runStudy: steps: .*got 0/],
  [{ out: 'never', plan: 'big' }, /runStudy: plan: .*got "big"/],
  [{ out: 'never', tune: true }, /runStudy: tune/],
  [{ out: 'never', limits: { tests: 5 } }, /runStudy: limits.*"tests"/],
])('a study is refused for the options %j', async (options, message) => {
  await expect(Reflect.apply(runStudy, undefined, [options])).rejects.toMatchObject({
    code: 'usage/option',
    message,
  })
})

test.each(['quick', 'pairs'] as const)('plan %s: a model that is named twice is refused', async (plan) => {
  await expect(
    runStudy({ out: 'never', plan, models: ['org/one', 'org/two', 'org/one'] }),
  ).rejects.toMatchObject({
    code: 'usage/arguments',
    message: expect.stringContaining('org/one is named twice'),
  })
})
