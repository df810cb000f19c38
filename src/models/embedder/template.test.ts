import { join } from 'node:path'
import { expect, test } from 'vitest'
import { goldenDir } from '../../../test/golden.ts'
import { openCheckpoint } from '../checkpoint/folder.ts'
import { modelOf } from '../families/registry.ts'
import { presets } from './presets.ts'
import { partsOf, templatePrompt, templateSchema } from './template.ts'

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

/** Expected: the fixture's chat template, rendered by transformers 4.57 for the wrapper's turns. */
test.each([
  [{ text: ' a cat\n' }, '<|im_start|>user \na cat'],
  [{ images: 1 }, '<|im_start|>user <image>\nFind an image caption describing the given image.'],
  [{ images: 1, text: '\nIs it red?\n' }, '<|im_start|>user <image>\nIs it red?'],
  [{ images: 1, instruction: 'Find it. ' }, '<|im_start|>user <image>\nFind it.'],
  [{ images: 1, instruction: 'Find it.', text: 'a cat' }, '<|im_start|>user <image>\nFind it.\na cat'],
])("unime-v2-llava-onevision leaves %o to the folder's chat template", async (item, turn) => {
  const checkpoint = await openCheckpoint(join(goldenDir('llava-onevision'), 'checkpoint'))
  const model = modelOf(checkpoint.config)
  if (model.kind === 'dual-encoder') return expect.unreachable()
  const { prompt } = presets['unime-v2-llava-onevision'].contract
  const processor = await model.processor(checkpoint.dir)
  const made = processor.prompt(partsOf({ images: 0, ...item }, prompt)).prompt
  expect(made).toBe(`${turn}<|im_end|><|im_start|>assistant\n`)
})

test.each([
  ['{image} {instruction} {text}<end>', { text: undefined }, '<image> say<end>'],
  ['{image} {instruction} {text}<end>', { instruction: undefined }, '<image> a cat<end>'],
  ['{image} {instruction} {text}<end>', { text: undefined, instruction: undefined }, '<image><end>'],
  ['{image}\n{text}\nSummary', { instruction: undefined, text: undefined }, '<image>\nSummary'],
  ['{image} {instruction} Query: {text}', { instruction: undefined }, '<image> Query: a cat'],
])('%s without %o: words that stand behind an empty slot get no separator', (template, without, prompt) => {
  const parts = { images: 1, instruction: 'say', text: 'a cat', ...without }
  expect(templatePrompt(template, parts).prompt).toBe(prompt)
})
