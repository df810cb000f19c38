/** @file Models that the command line refuses, and settings that a model does not have. */

import { rmSync, truncateSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildCli, runCli } from '../../test/built-cli.ts'
import {
  type CliFiles,
  editConfig,
  expectRefusal,
  otherShape,
  type Refusal,
  writeCliFiles,
} from '../../test/cli-files.ts'

let files: CliFiles
let model: string
const at = (name: string) => files.at(name)

beforeAll(async () => {
  files = await writeCliFiles()
  model = files.model
  await buildCli()
  for (const [name, change] of Object.entries(broken)) {
    await cp(model, at(name), { recursive: true })
    change(at(name))
  }
}, 400_000)
afterAll(() => files.remove())

/** Copies of the model with one thing wrong each. */
const broken: Readonly<Record<string, (dir: string) => void>> = {
  'no-weights': (dir) => rmSync(join(dir, 'model.safetensors')),
  'no-config': (dir) => rmSync(join(dir, 'config.json')),
  'no-tokenizer': (dir) => rmSync(join(dir, 'tokenizer.json')),
  'no-processor': (dir) => rmSync(join(dir, 'preprocessor_config.json')),
  'truncated-weights': (dir) => truncateSync(join(dir, 'model.safetensors'), 20_000),
  'truncated-header': (dir) => truncateSync(join(dir, 'model.safetensors'), 100),
  'missing-keys': (dir) => editConfig(dir, (json) => ({ ...json, text_config: { hidden_size: 'wide' } })),
  'other-shape': (dir) => editConfig(dir, otherShape),
  'other-family': (dir) => editConfig(dir, (json) => ({ ...json, model_type: 'paligemma' })),
  'config-no-json': (dir) => writeFileSync(join(dir, 'config.json'), '{"model_type": "lla'),
}

const one = (name: string) => () => ['embed', at(name), '--text', 'a cat', '--image', at('red.png')]

const refusals: Readonly<Record<string, Refusal>> = {
  'too many dims': {
    args: () => ['embed', model, '--text', 'a', '--dims', '25'],
    code: 2,
    says: /embedder\/dims.*24/,
  },
  'a layer too deep': {
    args: () => ['embed', model, '--text', 'a', '--layer', '2'],
    code: 2,
    says: /embedder\/layer.*has 2[\s\S]*0 to 1/,
  },
  'a study whose second model does not fit its config': {
    args: () => ['study', '--models', model, at('other-shape'), '--out', at('study')],
    code: 3,
    says: /family\/weights.*other-shape.*up_proj/,
  },
  'the mode of no adapter': {
    args: () => ['embed', model, '--text', 'a', '--adapter-mode', 'merged'],
    code: 2,
    says: /usage\/arguments.*merged.*no adapter/,
  },
  'a preset of another family': {
    args: () => ['embed', model, '--text', 'a', '--preset', 'gme'],
    code: 2,
    says: /embedder\/preset-family.*qwen2-vl.*llava/,
  },
  'published cosines without the picture': {
    args: () => ['verify', model, '--preset', 'vlm2vec-v2'],
    code: 2,
    says: /without the picture/,
  },
  'a model that is not there': { args: one('none'), code: 3, says: /embedder\/no-model/ },
  'a folder without a model': { args: one('folder.jsonl'), code: 3, says: /embedder\/no-model/ },
  'no weights': { args: one('no-weights'), code: 3, says: /checkpoint\/no-weights/ },
  'no config': { args: one('no-config'), code: 3, says: /embedder\/no-model/ },
  'no tokenizer': { args: one('no-tokenizer'), code: 3, says: /text\/no-tokenizer/ },
  'no processor': { args: one('no-processor'), code: 3, says: /family\/no-processor/ },
  'truncated weights': {
    args: one('truncated-weights'),
    code: 3,
    says: /checkpoint\/[a-z-]+\]: .*model\.safetensors/,
  },
  'a truncated header': {
    args: one('truncated-header'),
    code: 3,
    says: /checkpoint\/[a-z-]+\]: .*model\.safetensors/,
  },
  'a config with wrong keys': { args: one('missing-keys'), code: 3, says: /family\/config.*hidden_size/ },
  'weights of another shape': {
    args: one('other-shape'),
    code: 3,
    says: /family\/weights.*up_proj.*asks for \[40, 24\]/,
  },
  'an unknown family': { args: one('other-family'), code: 3, says: /family\/unknown.*paligemma[\s\S]*llava/ },
  'a config that is no JSON': { args: one('config-no-json'), code: 3, says: /file\/json/ },
  'an absent adapter': {
    args: () => ['embed', model, '--text', 'a', '--adapter', at('none')],
    code: 3,
    says: /file\/missing.*adapter_config/,
  },
  'inspect nothing': { args: () => ['inspect', at('none')], code: 3, says: /embedder\/no-model/ },
  'verify nothing': { args: () => ['verify'], code: 2, says: /nothing to verify/ },
  'verify a plain checkpoint': { args: () => ['verify', model], code: 2, says: /embedder\/no-golden/ },
  'verify an absent fixture': {
    args: () => ['verify', '--golden', at('none')],
    code: 3,
    says: /file\/missing.*cases\.json/,
  },
}

test.each(Object.entries(refusals))('%s', (_, refusal) => expectRefusal(refusal, files.root))

test('the stack is shown to those who debug', async () => {
  expect((await runCli(['inspect', at('none')], { env: { BIFOCAL_DEBUG: '1' } })).stderr).toMatch(/\n {4}at /)
})
