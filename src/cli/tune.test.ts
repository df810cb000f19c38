/** @file `bifocal tune` as users run it, on the shipped twins: from pairs to an embedder folder. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { runHere } from '../../test/command-line.ts'
import { writeMmebTrain } from '../../test/mmeb-folder.ts'
import { readTuningRecord } from '../learning/tuning/job/record.ts'

const pairs = fileURLToPath(new URL('../../packages/twins/pairs/pairs.jsonl', import.meta.url))
const quick = ['--batch-size', '8', '--steps', '2', '--rank', '2', '--dev-share', '0.3', '--threads', '1']

let root: string
const at = (name: string) => join(root, name)
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-tune-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

test.each([
  ['twin-ar', 'lines of JSON'],
  ['twin-diffusion', 'an MMEB-train folder'],
])(
  'bifocal:%s from %s',
  async (twin, kind) => {
    const data = kind === 'lines of JSON' ? pairs : writeMmebTrain(at(`mmeb-${twin}`))
    const out = at(`${twin} ${kind}`)
    const made = await runHere(['tune', `bifocal:${twin}`, '--data', data, '--out', out, ...quick])
    expect([made.code, made.stderr]).toEqual([0, expect.stringContaining(`embedder: ${out}`)])
    expect(readdirSync(out).sort()).toEqual([
      'README.md',
      'adapter_config.json',
      'adapter_model.safetensors',
      'embedder.json',
      'golden.png',
      'golden.safetensors',
      'metrics.jsonl',
      'tune.yaml',
      'tuning.json',
    ])
    expect(existsSync(`${out}.work`) || existsSync(`${out}.work.new`)).toBe(false)
    const record = await readTuningRecord(join(out, 'tuning.json'))
    expect(record.data.map(({ name }) => name)).toEqual(
      kind === 'lines of JSON' ? ['pairs'] : ['Captions', 'Pictures'],
    )
    expect(record.curve.map(({ update }) => update)).toEqual([1, 2])
    expect(record.worst.some(({ query, target }) => (query.images ?? target.images) !== undefined)).toBe(true)
    const verified = await runHere(['verify', out])
    expect([verified.code, verified.stderr]).toEqual([0, ''])
  },
  120_000,
)

test.each([
  [['q_proj'], ['q_proj']],
  [['.*language_model.*[kq]_proj'], ['k_proj', 'q_proj']],
])('--targets %s trains %s', async (targets, kinds) => {
  const flags = [...quick, '--dry-run', '--json', '--targets', ...targets]
  const { code, stdout } = await runHere([
    'tune',
    'bifocal:twin-ar',
    '--data',
    pairs,
    '--out',
    at('x'),
    ...flags,
  ])
  const plan = z
    .object({ trained: z.object({ modules: z.array(z.object({ kind: z.string() })) }) })
    .parse(JSON.parse(stdout))
  expect([code, plan.trained.modules.map(({ kind }) => kind).sort()]).toEqual([0, kinds])
})

test('a cut that is longer than the vectors is refused by the plan', async () => {
  const flags = [...quick, '--dry-run', '--matryoshka', '64', '--dims', '32']
  const { code, stderr } = await runHere([
    'tune',
    'bifocal:twin-ar',
    '--data',
    pairs,
    '--out',
    at('x'),
    ...flags,
  ])
  expect([code, stderr]).toEqual([2, expect.stringContaining('Matryoshka dims 64 of vectors with 32')])
})

test('damaged pictures are told as such, not as long items', async () => {
  const damaged = at('damaged.jsonl')
  writeFileSync(at('damaged.png'), 'no picture')
  const line = (target: string) => `${JSON.stringify({ query: { image: 'damaged.png' }, target })}\n`
  writeFileSync(damaged, ['a', 'b', 'c', 'd'].map(line).join(''))
  const flags = ['--batch-size', '4', '--dev-share', '0', '--dry-run']
  const { stdout } = await runHere(['tune', 'bifocal:twin-ar', '--data', damaged, '--out', at('x'), ...flags])
  expect(stdout).toMatch(/% of the first items cannot be read.*damaged\.png/)
  expect(stdout).not.toContain('more than')
})

test('dev pairs that are trained on are told', async () => {
  const flags = ['--batch-size', '8', '--dry-run', '--dev', pairs]
  const { stdout } = await runHere(['tune', 'bifocal:twin-ar', '--data', pairs, '--out', at('x'), ...flags])
  expect(stdout).toContain('24 of 24 dev pairs are trained on too')
})

describe('a finished folder', () => {
  const first = () => at('twin-ar lines of JSON')
  const again = (more: readonly string[] = []) =>
    runHere(['tune', 'bifocal:twin-ar', '--data', pairs, '--out', first(), ...quick, ...more])

  test('the same command changes nothing', async () => {
    const before = readFileSync(join(first(), 'tuning.json'), 'utf8')
    expect((await again()).code).toBe(0)
    expect(readFileSync(join(first(), 'tuning.json'), 'utf8')).toBe(before)
  }, 60_000)

  test('other settings are refused with the keys that differ', async () => {
    const { code, stderr } = await again(['--alpha', '3', '--seed', '8'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/tuning\/other-settings.*train\.alpha: null, now 3; seed: 7, now 8/)
  }, 60_000)

  test('its tune.yaml tunes alike', async () => {
    const out = at('alike')
    const { code } = await runHere(['tune', '--config', join(first(), 'tune.yaml'), '--out', out])
    expect(code).toBe(0)
    const adapter = (dir: string) => readFileSync(join(dir, 'adapter_model.safetensors'))
    expect(adapter(out).equals(adapter(first()))).toBe(true)
  }, 60_000)

  test('a folder with other files is left alone', async () => {
    writeFileSync(at('notes.txt'), '')
    const { code, stderr } = await runHere(['tune', 'bifocal:twin-ar', '--data', pairs, '--out', root])
    expect([code, stderr]).toEqual([2, expect.stringContaining('tuning/out')])
  })
})

test('a plan trains nothing and writes nothing', async () => {
  const out = at('never')
  const flags = ['--batch-size', '4', '--epochs', '2', '--dev-share', '0', '--dry-run', '--json']
  const { stdout, code } = await runHere(['tune', 'bifocal:twin-ar', '--data', pairs, '--out', out, ...flags])
  expect(code).toBe(0)
  const plan = z
    .object({
      updates: z.literal(12),
      sources: z.tuple([z.looseObject({ train: z.literal(24), dev: z.literal(0) })]),
      forecast: z.object({ seconds: z.number().positive(), bytes: z.number().positive() }).loose(),
      warnings: z.array(z.object({ message: z.string(), hint: z.string() })),
    })
    .parse(JSON.parse(stdout))
  expect(plan.warnings.map(({ message }) => message)).toEqual([
    expect.stringContaining('soon near 0'),
    expect.stringContaining('no dev part'),
  ])
  expect(existsSync(out) || existsSync(`${out}.work`)).toBe(false)
}, 60_000)

test('settings of reading go into the written contract', async () => {
  const out = at('read')
  const flags = ['--max-length', '40', '--truncate', 'reference', '--max-pixels', '900', '--pool', 'mean']
  const more = [...flags, '--attention', 'bidirectional', '--dims', '64']
  await runHere(['tune', 'bifocal:twin-ar', '--data', pairs, '--out', out, ...quick, ...more])
  expect(JSON.parse(readFileSync(join(out, 'embedder.json'), 'utf8'))).toMatchObject({
    maxLength: 40,
    truncation: 'reference',
    attention: 'bidirectional',
    image: { limit: { maxPixels: 900 } },
    readout: { pool: 'mean', dims: 64 },
  })
  const { stdout } = await runHere(['embed', out, '--text', 'a dog'])
  expect(z.object({ vector: z.array(z.number()).length(64) }).safeParse(JSON.parse(stdout)).success).toBe(
    true,
  )
}, 60_000)

test.each([
  [['--recipe', 'vlm2vec'], { dora: true, rslora: false }],
  [['--recipe', 'vlm2vec', '--no-dora', '--rslora'], { dora: false, rslora: true }],
])('%j: a switch wins over the recipe, also to turn it off', async (flags, train) => {
  const { stdout } = await runHere(['tune', 'bifocal:twin-ar', ...flags, '--print-config', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ train })
})

test('a source given twice is told, and rows that are left out are told once', async () => {
  const rows = readFileSync(pairs, 'utf8').trim().split('\n')
  writeFileSync(at('texts.jsonl'), rows.map((_, i) => `{"query":"q ${i}","target":"t ${i}"}`).join('\n'))
  writeFileSync(at('half.jsonl'), '{"query":"a","target":"b"}\n{"query":"c","target":"d"}\n{"query":"e"}\n')
  const data = ['--data', at('texts.jsonl'), at('texts.jsonl'), at('half.jsonl')]
  const { stdout, stderr } = await runHere([
    'tune',
    'bifocal:twin-ar',
    ...data,
    '--out',
    at('x'),
    ...quick,
    '--dry-run',
  ])
  expect(stdout).toContain('texts and texts 2 hold the same pairs')
  expect(`${stdout}${stderr}`.match(/rows are left out/g)).toHaveLength(1)
})

test('a misspelt key of a file is told with its line', async () => {
  writeFileSync(at('bad.yaml'), 'model: bifocal:twin-ar\ntrain:\n  rnk: 3\n')
  const { code, stderr } = await runHere([
    'tune',
    '--config',
    at('bad.yaml'),
    '--data',
    pairs,
    '--out',
    at('x'),
  ])
  expect(code).toBe(2)
  expect(stderr).toContain('bad.yaml, line 3: there is no key train.rnk')
  expect(stderr).toContain('Did you mean "train.rank"?')
})
