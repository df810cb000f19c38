/** @file Items, pictures, inputs and outputs that the command line refuses. */

import { join } from 'node:path'
import { afterAll, beforeAll, test } from 'vitest'
import { buildCli, runCli } from '../../test/built-cli.ts'
import { type CliFiles, expectRefusal, type Refusal, writeCliFiles } from '../../test/cli-files.ts'

let files: CliFiles
let model: string
const at = (name: string) => files.at(name)

beforeAll(async () => {
  files = await writeCliFiles()
  model = files.model
  await buildCli()
}, 400_000)
afterAll(() => files.remove())

const refusals: Readonly<Record<string, Refusal>> = {
  'a picture on the net': {
    args: () => ['embed', model, '--image', 'https://example.org/cat.png'],
    code: 3,
    says: /media\/address.*not fetched[\s\S]*Download/,
  },
  'an empty text': {
    args: () => ['embed', model, '--text', ' '],
    code: 2,
    says: /data\/empty-item.*empty/,
  },
  'a text over the context': {
    args: () => ['embed', model, '--text', 'keys '.repeat(400)],
    code: 3,
    says: /family\/too-long.*256/,
  },
  'an absent picture': {
    args: () => ['embed', model, '--image', at('none.png')],
    code: 3,
    says: /file\/missing.*none\.png/,
  },
  'a picture that is a folder': {
    args: () => ['embed', model, '--image', at('folder.jsonl')],
    code: 3,
    says: /file\/read[\s\S]*It is a folder/,
  },
  'a truncated picture': {
    args: () => ['embed', model, '--image', at('truncated.png')],
    code: 3,
    says: /media\/damaged.*truncated\.png/,
  },
  'a picture that is text': {
    args: () => ['embed', model, '--image', at('items.jsonl')],
    code: 3,
    says: /media\/format/,
  },
  'an absent input': {
    args: () => ['embed', model, '--input', at('none.jsonl')],
    code: 3,
    says: /file\/missing.*none\.jsonl/,
  },
  'a folder without pictures': {
    args: () => ['embed', model, '--input', at('folder.jsonl')],
    code: 2,
    says: /usage\/empty-input/,
  },
  'a table without columns to embed': {
    args: () => ['embed', model, '--input', at('items.csv')],
    code: 2,
    says: /data\/columns.*caption, path, price/,
  },
  'an input without items': {
    args: () => ['embed', model, '--input', at('blank.jsonl')],
    code: 2,
    says: /usage\/empty-input/,
  },
  'golden vectors of no items': {
    args: () => ['verify', model, '--record', at('blank.jsonl'), '--out', at('golden')],
    code: 2,
    says: /usage\/empty-input.*blank\.jsonl/,
  },
  'a comparison over no items': {
    args: () => ['inspect', model, '--no-probe', '--precision', '--items', at('blank.jsonl')],
    code: 2,
    says: /usage\/empty-input.*blank\.jsonl/,
  },
  'a comparison over no good item': {
    args: () => ['inspect', model, '--no-probe', '--precision', '--items', at('items.csv.jsonl')],
    code: 2,
    says: /data\/line.*line 1/,
  },
  'a bad line with --strict': {
    args: () => ['embed', model, '--input', at('bad-line-first.jsonl'), '--strict'],
    code: 2,
    says: /data\/line.*line 3.*txt/,
  },
  'an absent picture with --strict': {
    args: () => ['embed', model, '--input', at('items.jsonl'), '--strict'],
    code: 3,
    says: /file\/missing.*items\.jsonl, line 4: .*absent\.png/,
  },
  'an unknown ending': {
    args: () => ['embed', model, '--text', 'a', '--out', at('v.csv')],
    code: 2,
    says: /vector-format.*\.npy/,
  },
  'an output over its input': {
    args: () => ['embed', model, '--input', at('items.jsonl'), '--out', at('items.jsonl')],
    code: 2,
    says: /embedder\/output.*items\.jsonl/,
  },
  'a file as a folder': {
    args: () => ['embed', model, '--text', 'a', '--out', join(at('red.png'), 'v.npy')],
    code: 1,
    says: /file\/write/,
  },
}

test.each(Object.entries(refusals))('%s', (_, refusal) => expectRefusal(refusal, files.root))

test('nothing piped in', async () => {
  const args = () => ['embed', model, '--input', '-']
  await expectRefusal({ args, code: 2, says: /usage\/empty-input.*stdin has no items/ }, files.root, runCli)
})
