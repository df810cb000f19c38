import { spawn, spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { cp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { buildCli, runCli, startCli } from '../../test/built-cli.ts'
import { goldenDir } from '../../test/golden.ts'
import { makeNamedPipe } from '../../test/named-pipe.ts'
import { writeRandomTwins } from '../../test/random-twins.ts'
import { loadSafetensors } from '../models/checkpoint/safetensors.ts'

let root: string
let model: string
const at = (name: string) => join(root, name)

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-cli-'))
  model = (await writeRandomTwins(root)).ar
  await sharp({ create: { width: 9, height: 7, channels: 3, background: 'red' } })
    .png()
    .toFile(at('red.png'))
  writeFileSync(at('truncated.png'), readFileSync(at('red.png')).subarray(0, 60))
  writeFileSync(
    at('items.jsonl'),
    '{"text":"a cat"}\n\n{"image":"red.png","text":"a red square"}\n{"image":"absent.png"}\n{"txt":"a dog"}\nnot json\n',
  )
  writeFileSync(at('bad-line-first.jsonl'), '{"text":"a cat"}\n\n{"txt":"a dog"}\n{"image":"absent.png"}\n')
  writeFileSync(at('blank.jsonl'), '\n\n')
  writeFileSync(at('items.csv.jsonl'), 'caption,path\na cat,red.png\n')
  writeFileSync(at('items.csv'), 'caption,path,price\n"a cat, red",red.png,1\na dog,,2\n,absent.png,3\n')
  for (const [name, change] of Object.entries(broken)) {
    await cp(model, at(name), { recursive: true })
    change(at(name))
  }
  mkdirSync(at('folder.jsonl'))
  await buildCli()
}, 400_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Copies of the model with one thing wrong each. */
const broken: Readonly<Record<string, (dir: string) => void>> = {
  'no-weights': (dir) => rmSync(join(dir, 'model.safetensors')),
  'no-config': (dir) => rmSync(join(dir, 'config.json')),
  'no-tokenizer': (dir) => rmSync(join(dir, 'tokenizer.json')),
  'no-processor': (dir) => rmSync(join(dir, 'preprocessor_config.json')),
  'truncated-weights': (dir) => truncateSync(join(dir, 'model.safetensors'), 20_000),
  'truncated-header': (dir) => truncateSync(join(dir, 'model.safetensors'), 100),
  'missing-keys': (dir) => edit(dir, (json) => ({ ...json, text_config: { hidden_size: 'wide' } })),
  'other-shape': (dir) =>
    edit(dir, (json) => ({
      ...json,
      text_config: { ...z.looseObject({}).parse(json.text_config), intermediate_size: 40 },
    })),
  'other-family': (dir) => edit(dir, (json) => ({ ...json, model_type: 'paligemma' })),
  'config-no-json': (dir) => writeFileSync(join(dir, 'config.json'), '{"model_type": "lla'),
}

function edit(dir: string, change: (json: Record<string, unknown>) => unknown): void {
  const file = join(dir, 'config.json')
  writeFileSync(
    file,
    JSON.stringify(change(z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(file, 'utf8'))))),
  )
}

interface Refusal {
  args: () => string[]
  code: number
  /** In the words on stderr. */
  says: RegExp
}

const one = (name: string) => () => ['embed', at(name), '--text', 'a cat', '--image', at('red.png')]

const refusals: Readonly<Record<string, Refusal>> = {
  'an unknown command': {
    args: () => ['embd'],
    code: 2,
    says: /usage\/arguments.*embd[\s\S]*Did you mean embed/,
  },
  'an unknown flag': {
    args: () => ['embed', 'm', '--imgae', 'x'],
    code: 2,
    says: /unknown option '--imgae'[\s\S]*Did you mean --image/,
  },
  'a flag without its value': { args: () => ['embed', 'm', '--text'], code: 2, says: /argument missing/ },
  'no model': { args: () => ['embed'], code: 2, says: /missing required argument 'model'/ },
  'too many arguments': { args: () => ['inspect', 'a', 'b'], code: 2, says: /too many arguments/ },
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
    says: /--plan "quik": expected quick or full/,
  },
  'a study without a folder': {
    args: () => ['study', '--out', ''],
    code: 2,
    says: /--out.*expected a folder/,
  },
  'a study whose second model does not fit its config': {
    args: () => ['study', '--models', model, at('other-shape'), '--out', at('study')],
    code: 3,
    says: /family\/weights.*other-shape.*up_proj/,
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
  'the mode of no adapter': {
    args: () => ['embed', model, '--text', 'a', '--adapter-mode', 'merged'],
    code: 2,
    says: /usage\/arguments.*merged.*no adapter/,
  },
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
  'nothing piped in': {
    args: () => ['embed', model, '--input', '-'],
    code: 2,
    says: /usage\/empty-input.*stdin has no items/,
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

describe('refusals', () => {
  test.each(Object.entries(refusals))('%s', async (_, { args, code, says }) => {
    const result = await runCli(args())
    expect(result.stderr).toMatch(says)
    expect(result.stderr).toMatch(/\n {2}hint: ./)
    expect(result.stderr).not.toMatch(/\n {4}at /)
    expect(result.stdout).toBe('')
    expect(result.code).toBe(code)
    expect(readdirSync(root).filter((name) => name.startsWith('v.') || name.endsWith('.tmp'))).toEqual([])
  })

  test('the stack is shown to those who debug', async () => {
    expect((await runCli(['inspect', at('none')], { env: { BIFOCAL_DEBUG: '1' } })).stderr).toMatch(
      /\n {4}at /,
    )
  })
})

describe('embed', () => {
  test('gives a vector a line, skips bad items with their reason', async () => {
    const { code, stdout, stderr } = await runCli([
      'embed',
      model,
      '--input',
      at('items.jsonl'),
      '--pool',
      'mean',
    ])
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => z.object({ index: z.int(), vector: z.array(z.number()) }).parse(JSON.parse(line)))
    expect(lines.map(({ index, vector }) => [index, vector.length])).toEqual([
      [0, 24],
      [1, 24],
    ])
    expect(Math.hypot(...lines[1]!.vector)).toBeCloseTo(1, 5)
    expect(stderr).toMatch(
      /item 4 was skipped \[file\/missing\][\s\S]*item 5 was skipped \[data\/line\].*txt[\s\S]*item 6 was skipped/,
    )
    expect(code).toBe(0)
  })

  test('with --json prints one object', async () => {
    const { stdout } = await runCli(['embed', model, '--input', '-', '--json', '--dims', '4'], {
      input: '{"text":"a cat"}\n{"text":""}\n',
    })
    expect(JSON.parse(stdout)).toMatchObject({
      dims: 4,
      usage: { items: 1, distinct: 1 },
      skipped: [{ line: 2, code: 'data/empty-item' }],
      vectors: [{ index: 0 }],
    })
  })

  test('writes the same vectors to every kind of file', async () => {
    const args = ['embed', model, '--text', 'a cat', '--image', at('red.png'), '--out']
    const out = (ending: string) => at(`out.${ending}`)
    for (const ending of ['safetensors', 'npy', 'jsonl'])
      expect((await runCli([...args, out(ending)])).code).toBe(0)
    const { vectors } = Object.fromEntries(await loadSafetensors(out('safetensors')))
    expect(vectors?.dims).toEqual([1, 24])
    const line = z
      .object({ vector: z.array(z.number()) })
      .parse(JSON.parse(readFileSync(out('jsonl'), 'utf8')))
    expect(line.vector).toEqual(Array.from(vectors!.data, Number))
    const npy = readFileSync(out('npy'))
    expect(npy.subarray(1, 6).toString()).toBe('NUMPY')
    const header = npy.readUInt16LE(8)
    expect(npy.subarray(10, 10 + header).toString()).toContain("'shape': (1, 24)")
    expect(
      new Float32Array(npy.buffer.slice(npy.byteOffset + 10 + header, npy.byteOffset + npy.length)),
    ).toEqual(vectors!.data)
  })

  test('reads a table and writes another; what was skipped is listed beside it', async () => {
    const out = at('table.parquet')
    const args = [
      'embed',
      model,
      '--input',
      at('items.csv'),
      '--columns',
      'text=caption,image=path',
      '--quantize',
      'int8',
      '--dims',
      '6',
    ]
    const { code, stdout, stderr } = await runCli([...args, '--out', out, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      dims: 6,
      usage: { items: 2 },
      skipped: [{ line: 4 }],
      skippedFile: `${out}.skipped.jsonl`,
    })
    expect(stderr).toMatch(/item 4 was skipped \[file\/missing\]/)
    expect(stderr).toMatch(/: 1 item was skipped/)
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(out) })
    expect(rows).toMatchObject([{ index: 0, scale: expect.any(Number) }, { index: 1 }])
    expect(rows[0]?.vector).toHaveLength(6)
    expect(readdirSync(root).filter((name) => name.endsWith('.journal'))).toEqual([])
  })

  test('goes on where a killed run stopped', async () => {
    writeFileSync(
      at('long.jsonl'),
      Array.from({ length: 4000 }, (_, i) => `{"text":"a cat ${i}"}`).join('\n'),
    )
    const out = at('long.safetensors')
    const args = ['embed', model, '--input', at('long.jsonl'), '--out', out]
    const child = startCli(args)
    const closed = new Promise((resolve) => child.on('close', resolve))
    const kill = setInterval(
      () => existsSync(`${out}.journal`) && statSync(`${out}.journal`).size > 10_000 && child.kill('SIGKILL'),
      5,
    )
    await closed
    clearInterval(kill)
    expect(existsSync(out)).toBe(false)
    const { code, stderr } = await runCli(args)
    expect(stderr).toMatch(/goes on: \d+ vectors of an earlier run are kept/)
    expect(code).toBe(0)
    expect((await loadSafetensors(out)).get('vectors')!.dims).toEqual([4000, 24])
  })

  test('an interruption ends it with 130 and no file', async () => {
    writeFileSync(
      at('many.jsonl'),
      Array.from({ length: 150_000 }, (_, i) => `{"text":"a cat ${i}"}`).join('\n'),
    )
    const child = startCli([
      'embed',
      model,
      '--input',
      at('many.jsonl'),
      '--out',
      at('many.npy'),
      '--threads',
      '1',
    ])
    let said = ''
    child.stderr?.on('data', (chunk) => {
      said += chunk
      // Not before the work goes on: the first words are its progress.
      if (/embed \d+\/150000/.test(said) && !child.killed) child.kill('SIGINT')
    })
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect(code).toBe(130)
    expect(said).toMatch(/interrupted/)
    expect(existsSync(at('many.npy'))).toBe(false)
  })

  test('a second interruption ends it at once', async () => {
    const child = startCli([
      'embed',
      model,
      '--input',
      at('many.jsonl'),
      '--out',
      at('many.npy'),
      '--threads',
      '2',
    ])
    let said = ''
    child.stderr?.on('data', (chunk) => {
      said += chunk
      if (/embed \d+\/150000/.test(said)) child.kill('SIGINT')
    })
    const ended = await new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)))
    expect(['SIGINT', 130]).toContain(ended)
    expect(existsSync(at('many.npy'))).toBe(false)
  })

  describe.runIf(process.platform === 'linux')('takes a pipe by its path', () => {
    const pipe = (name: string) => {
      makeNamedPipe(at(name))
      return ['embed', model, '--input', at(name), '--dims', '2', '--json']
    }

    test('also of a writer that comes later', async () => {
      const result = runCli(pipe('late.jsonl'))
      setTimeout(() => writeFile(at('late.jsonl'), '{"text":"a cat"}\n'), 500)
      expect(JSON.parse((await result).stdout)).toMatchObject({ usage: { items: 1 } })
    })

    test('and can be interrupted while nobody writes', async () => {
      const child = startCli(pipe('never.jsonl'))
      setTimeout(() => child.kill('SIGINT'), 2000)
      expect(await new Promise((resolve) => child.on('close', resolve))).toBe(130)
    })
  })

  test('is quiet when its reader goes away', async () => {
    const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
    writeFileSync(
      at('some.jsonl'),
      Array.from({ length: 3000 }, (_, i) => `{"text":"a cat ${i % 7}"}`).join('\n'),
    )
    const child = spawn('bash', [
      '-c',
      `"${process.execPath}" "${main}" embed "${model}" --input "${at('some.jsonl')}" | head -c 10`,
    ])
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0)
    expect(said).toBe('')
  })

  test.runIf(existsSync('/dev/full'))('says why what it prints cannot be written', () => {
    const full = openSync('/dev/full', 'w')
    const args = [
      fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url)),
      'embed',
      model,
      '--text',
      'a cat',
    ]
    const { status, stderr } = spawnSync(process.execPath, args, {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    })
    closeSync(full)
    expect(stderr).toMatch(/error \[file\/write\]: stdout cannot be written: .*ENOSPC[\s\S]*hint: /)
    expect(status).toBe(1)
  })
})

describe('golden vectors of a model', () => {
  test('are recorded, verified, and missed by a changed model', async () => {
    await cp(model, at('pinned'), { recursive: true })
    writeFileSync(at('golden.jsonl'), '{"text":"a cat"}\n{"image":"red.png"}\n')
    const recorded = await runCli(['verify', at('pinned'), '--record', at('golden.jsonl')])
    expect(recorded).toMatchObject({ code: 0, stdout: expect.stringContaining('golden vectors of 2 items') })
    expect((await runCli(['verify', at('pinned')])).stdout).toMatch(
      /pinned \(contract\)[\s\S]*1 of 1 expected tensors compared/,
    )
    edit(at('pinned'), (json) => ({
      ...json,
      text_config: { ...z.looseObject({}).parse(json.text_config), rms_norm_eps: 0.1 },
    }))
    const { code, stdout } = await runCli(['verify', at('pinned')])
    expect(stdout).toMatch(/first difference at stage layer\.00 of case item 0/)
    expect(code).toBe(4)
  })
})

describe('inspect', () => {
  test('tells family, parameters and memory', async () => {
    const { code, stdout } = await runCli(['inspect', model, '--json', '--no-probe'])
    expect(JSON.parse(stdout)).toMatchObject({
      family: 'llava',
      kind: 'vision-language',
      context: 256,
      contract: { image: { orientation: 'ignored' } },
      tensors: { missing: [], unfit: [], unused: ['language_model.lm_head.weight'] },
      estimate: null,
      precision: null,
    })
    expect(code).toBe(0)
  })

  test('foretells seconds an item, and compares precisions', async () => {
    const { code, stdout } = await runCli(['inspect', model, '--precision'])
    expect(stdout).toMatch(/seconds +text \d+\.\d+ ms.*, image \d+\.\d+ ms.*, both \d+\.\d+ ms/)
    expect(stdout).toMatch(
      /f16 .*cosine to f32 min [01]\.\d{6} mean [01]\.\d{6} \(text .*image .*both .*\), \d+\.\d+× the speed/,
    )
    expect(stdout).toMatch(/int8 .*cosine to f32 min 0\.9\d+ mean 0\.9\d+ .* 9 items/)
    expect(code).toBe(0)
  })

  test("compares precisions on a user's items", async () => {
    const { stdout } = await runCli([
      'inspect',
      model,
      '--no-probe',
      '--precision',
      '--items',
      at('items.jsonl'),
      '--json',
    ])
    const { precision } = JSON.parse(stdout)
    expect(precision).toMatchObject([
      { dtype: 'f16', cosine: { all: { items: 2 } } },
      { dtype: 'int8', cosine: { given: { items: 2 } } },
    ])
  })

  test('lists what does not fit, and exits with 3', async () => {
    const { code, stdout } = await runCli(['inspect', at('other-shape')])
    expect(stdout).toMatch(/weights .*6 of \d+ weights do not fit.*asks for \[40, 24\]/)
    expect(code).toBe(3)
  })
})

describe('verify', () => {
  test('prints each stage and how many tensors were compared', async () => {
    const { code, stdout } = await runCli(['verify', '--golden', goldenDir('tune-infonce')])
    expect(stdout).toMatch(
      /tune-infonce \(losses\)[\s\S]*loss .*0\.\d+[\s\S]*47 of 47 expected tensors compared/,
    )
    expect(code).toBe(0)
  })

  test('exits with 4 and names the first stage that differs', async () => {
    await cp(goldenDir('tune-infonce'), at('changed'), { recursive: true })
    const cases = join(at('changed'), 'cases.json')
    writeFileSync(cases, readFileSync(cases, 'utf8').replace(/"temperature": ?0\.\d+/, '"temperature": 0.5'))
    const { code, stdout } = await runCli(['verify', '--golden', at('changed')])
    expect(stdout).toMatch(/first difference at stage loss of case one-direction/)
    expect(code).toBe(4)
  })
})
