import { expect, test } from 'vitest'
import { templateSchema } from './template.ts'

test.each(['{image}\n{instruction} {text}', 'plain', '{"a": 1} {text}', 'f(x) = {x} {text}', '{} {text}'])(
  '%j is a template',
  (template) => {
    expect(templateSchema.safeParse(template).success).toBe(true)
  },
)

test.each([
  ['{image} {txet}', '{txet} is no slot: did you mean {text}?'],
  ['{Image}', '{Image} is no slot: did you mean {image}?'],
  [{ text: '{text}', image: '{imgae}', both: '{image} {text}' }, '{imgae} is no slot'],
])('a misspelt slot is refused, not embedded: %j', (template, words) => {
  expect(JSON.stringify(templateSchema.safeParse(template).error?.issues)).toContain(words)
})
