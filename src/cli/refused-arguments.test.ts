/** @file Commands and flags that the command line refuses. */

import { afterAll, beforeAll, test } from 'vitest'
import { buildCli, runCli } from '../../test/built-cli.ts'
import { type CliFiles, expectRefusal, type Refusal, writeCliFiles } from '../../test/cli-files.ts'

let files: CliFiles
let model: string

beforeAll(async () => {
  files = await writeCliFiles()
  model = files.model
  await buildCli()
}, 400_000)
afterAll(() => files.remove())

const refusals: Readonly<Record<string, Refusal>> = {
  'an unknown flag': {
    args: () => ['embed', 'm', '--imgae', 'x'],
    code: 2,
    says: /unknown option '--imgae'[\s\S]*Did you mean --image/,
  },
  'a flag without its value': { args: () => ['embed', 'm', '--text'], code: 2, says: /argument missing/ },
  'no model': { args: () => ['embed'], code: 2, says: /missing required argument 'model'/ },
  'too many arguments': { args: () => ['inspect', 'a', 'b'], code: 2, says: /too many arguments/ },
  'a flag of tables without the table': {
    args: () => ['verify', model, '--delimiter', ';'],
    code: 2,
    says: /usage\/arguments.*--delimiter without --record/,
  },
  'the name of a shipped model without its scheme': {
    args: () => ['embed', 'twin-ar', '--text', 'a'],
    code: 3,
    says: /embedder\/no-model[\s\S]*bifocal:twin-ar/,
  },
  'an unknown pooling': {
    args: () => ['embed', 'm', '--text', 'a', '--pool', 'max'],
    code: 2,
    says: /--pool "max": expected one of last, mean/,
  },
  'an unknown device': {
    args: () => ['verify', '--golden', 'x', '--device', 'tpu'],
    code: 2,
    says: /--device "tpu".*cpu, webgpu, cuda/,
  },
  'dims of no number': {
    args: () => ['embed', 'm', '--text', 'a', '--dims', '1.5'],
    code: 2,
    says: /--dims "1.5": expected a whole number/,
  },
  'nothing to embed': { args: () => ['embed', model], code: 2, says: /nothing to embed/ },
  'file and text at once': {
    args: () => ['embed', model, '--input', 'x', '--text', 'a'],
    code: 2,
    says: /--input together with/,
  },
  'columns without a table': {
    args: () => ['embed', 'm', '--text', 'a', '--columns', 'text=b'],
    code: 2,
    says: /--columns without --input/,
  },
  'a place for golden vectors that nobody records': {
    args: () => ['verify', 'm', '--out', 'x'],
    code: 2,
    says: /--out without --record/,
  },
  'recording from a fixture': {
    args: () => ['verify', '--golden', 'x', '--record', 'y'],
    code: 2,
    says: /--record together with --golden/,
  },
  'more threads than any machine has': {
    args: () => ['embed', 'm', '--text', 'a', '--threads', '1000'],
    code: 2,
    says: /from 1 to 256/,
  },
  'a rank of no low-rank updates': {
    args: () => ['study', '--tune', 'all', '--rank', '5'],
    code: 2,
    says: /--rank with --tune all/,
  },
  'an unknown plan': {
    args: () => ['study', '--plan', 'quik'],
    code: 2,
    says: /--plan "quik": expected one of quick, full, pairs, paper, checkpoints/,
  },
  'a study without a folder': {
    args: () => ['study', '--out', ''],
    code: 2,
    says: /--out.*expected a folder/,
  },
  'a preset for a fixture': {
    args: () => ['verify', '--golden', 'x', '--preset', 'gme'],
    code: 2,
    says: /--preset together with --golden/,
  },
  'a picture for golden vectors': {
    args: () => ['verify', 'm', '--record', 'x', '--preset', 'gme', '--picture', 'y'],
    code: 2,
    says: /--picture together with --record/,
  },
  'a picture that nothing is compared with': {
    args: () => ['verify', 'm', '--picture', 'y'],
    code: 2,
    says: /--picture without --preset/,
  },
  'columns of no known part': {
    args: () => ['embed', 'm', '--input', 'x.csv', '--columns', 'words=caption'],
    code: 2,
    says: /--columns "words=caption": expected text=NAME/,
  },
  'an unknown quantization': {
    args: () => ['embed', 'm', '--text', 'a', '--quantize', 'int4'],
    code: 2,
    says: /expected one of int8, binary/,
  },
  'an unknown preset': {
    args: () => ['embed', 'm', '--text', 'a', '--preset', 'clip'],
    code: 2,
    says: /expected one of vlm2vec-llava-next/,
  },
}

test.each(Object.entries(refusals))('%s', (_, refusal) => expectRefusal(refusal, files.root))

test('an unknown command, in a process of its own', async () => {
  const says = /usage\/arguments.*embd[\s\S]*Did you mean embed/
  await expectRefusal({ args: () => ['embd'], code: 2, says }, files.root, runCli)
})
