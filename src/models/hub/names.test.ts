import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { withLock } from './lock.ts'
import { parseRepository, snapshotRepository } from './repository.ts'
import { selectFiles } from './selection.ts'
import { hubSettings } from './settings.ts'

describe('names', () => {
  test.each([
    ['showlab/magvitv2', 'showlab/magvitv2', 'main'],
    ['Qwen/Qwen2.5-VL-3B-Instruct', 'Qwen/Qwen2.5-VL-3B-Instruct', 'main'],
    ['a/b@refs/pr/3', 'a/b', 'refs/pr/3'],
    ['a/b@v1.0', 'a/b', 'v1.0'],
  ])('%s', (name, id, revision) => expect(parseRepository(name)).toEqual({ id, revision }))

  test.each(['gpt2', 'a/b@', 'a//b', 'a/b--c', 'a/b.git', '-a/b', 'a/b@/x', 'a/b@x/', `a/${'b'.repeat(96)}`])(
    '%s is none',
    (name) => expect(parseRepository(name)).toBeUndefined(),
  )
})

test.each([
  [
    `/c/hub/models--acme--tiny.1/snapshots/${'a'.repeat(40)}`,
    { id: 'acme/tiny.1', revision: 'a'.repeat(40) },
  ],
  [`C:\\hub\\models--a--b\\snapshots\\${'a'.repeat(40)}\\`, { id: 'a/b', revision: 'a'.repeat(40) }],
  ['/c/models/twin-ar', undefined],
])('%s is a snapshot of', (folder, repository) => expect(snapshotRepository(folder)).toEqual(repository))

describe('files that a model needs', () => {
  test.each<[string, string[], string[]]>([
    [
      'one file',
      ['config.json', 'model.safetensors', 'model.fp16.safetensors', 'flax_model.msgpack'],
      ['config.json', 'model.safetensors'],
    ],
    [
      'one file beside an index that was left',
      [
        'config.json',
        'model.safetensors',
        'model.safetensors.index.json',
        'model-00001-of-00002.safetensors',
      ],
      ['config.json', 'model.safetensors'],
    ],
    [
      'shards beside copies of another layout',
      [
        'config.json',
        'model.safetensors.index.json',
        'model-00001-of-00002.safetensors',
        'model-00002-of-00002.safetensors',
        'consolidated.safetensors',
      ],
      [
        'config.json',
        'model.safetensors.index.json',
        'model-00001-of-00002.safetensors',
        'model-00002-of-00002.safetensors',
      ],
    ],
    [
      'an image tokenizer',
      ['.gitattributes', 'config.json', 'pytorch_model.safetensors', 'README.md'],
      ['config.json', 'pytorch_model.safetensors'],
    ],
    [
      'a file of any name',
      ['config.json', 'weights.safetensors', 'pytorch_model.bin'],
      ['config.json', 'weights.safetensors'],
    ],
    [
      'shards beside an index that comes first in the alphabet',
      [
        'config.json',
        'consolidated-00001-of-00001.safetensors',
        'consolidated.safetensors.index.json',
        'model-00001-of-00001.safetensors',
        'model.fp16-00001-of-00001.safetensors',
        'model.fp16.safetensors.index.json',
        'model.safetensors.index.json',
      ],
      ['config.json', 'model-00001-of-00001.safetensors', 'model.safetensors.index.json'],
    ],
    [
      'an adapter',
      [
        'adapter_config.json',
        'adapter_model.safetensors',
        'checkpoint-100/adapter_model.safetensors',
        'optimizer.pt',
      ],
      ['adapter_config.json', 'adapter_model.safetensors'],
    ],
    [
      'a tuned model',
      [
        'embedder.json',
        'adapter_config.json',
        'adapter_model.safetensors',
        'golden.safetensors',
        'golden/cat.png',
        'results.json',
      ],
      [
        'embedder.json',
        'adapter_config.json',
        'adapter_model.safetensors',
        'golden.safetensors',
        'golden/cat.png',
      ],
    ],
    [
      'words and pictures',
      [
        'config.json',
        'model.safetensors',
        'tokenizer.json',
        'tokenizer_config.json',
        'special_tokens_map.json',
        'added_tokens.json',
        'vocab.json',
        'merges.txt',
        'chat_template.jinja',
        'preprocessor_config.json',
        'generation_config.json',
        'modeling_llada.py',
      ],
      [
        'config.json',
        'tokenizer.json',
        'tokenizer_config.json',
        'special_tokens_map.json',
        'added_tokens.json',
        'vocab.json',
        'merges.txt',
        'chat_template.jinja',
        'preprocessor_config.json',
        'generation_config.json',
        'model.safetensors',
      ],
    ],
  ])('%s', (_, names, chosen) => expect(selectFiles('a/b', names).sort()).toEqual(chosen.sort()))

  test('pickled weights alone are refused', () => {
    expect(() => selectFiles('a/b', ['config.json', 'pytorch_model.bin'])).toThrow(
      /pickled weights only \(pytorch_model.bin\)/,
    )
  })

  test('several weight files of other names are refused: which one holds the model?', () => {
    const names = ['config.json', 'consolidated.safetensors', 'model.fp16.safetensors']
    expect(() => selectFiles('a/b', names)).toThrow(
      expect.objectContaining({
        code: 'hub/no-weights',
        message: expect.stringContaining('consolidated.safetensors, model.fp16.safetensors'),
        hint: expect.stringContaining('--include'),
      }),
    )
  })

  test('a model in a folder of a repository is named', () => {
    expect(() => selectFiles('a/b', ['README.md', 'vision/adapter_config.json'])).toThrow(
      expect.objectContaining({
        code: 'hub/no-model',
        hint: expect.stringContaining("bifocal pull a/b --include 'vision/*'"),
      }),
    )
  })

  test('a repository without a model is refused', () => {
    expect(() => selectFiles('a/b', ['README.md', 'model.gguf'])).toThrow(/has none of config.json/)
  })

  test.each([
    ['*.json', ['a.json', 'x/b.json']],
    ['x/', ['x/b.json', 'x/y/c.txt']],
    ['?.json', ['a.json']],
    ['x/*.json', ['x/b.json']],
    ['a+(1).txt', ['a+(1).txt']],
  ])('--include %s', (pattern, chosen) => {
    expect(
      selectFiles('a/b', ['a.json', 'x/b.json', 'x/y/c.txt', 'a+(1).txt', 'aa1.txt'], [pattern]),
    ).toEqual(chosen)
  })
})

describe('the environment', () => {
  test.each<[string, NodeJS.ProcessEnv, Partial<Awaited<ReturnType<typeof hubSettings>>>]>([
    [
      'nothing',
      { HF_TOKEN_PATH: '/none' },
      {
        endpoint: 'https://huggingface.co',
        cache: join(homedir(), '.cache/huggingface/hub'),
        token: undefined,
        offline: false,
      },
    ],
    ['HF_HOME', { HF_HOME: '~/models' }, { cache: join(homedir(), 'models/hub') }],
    ['XDG_CACHE_HOME', { XDG_CACHE_HOME: '/x' }, { cache: '/x/huggingface/hub' }],
    [
      'HF_HUB_CACHE before HF_HOME',
      { HF_HOME: '/home', HF_HUB_CACHE: '$ROOT/hub', ROOT: '/data' },
      { cache: '/data/hub' },
    ],
    ['HF_ENDPOINT', { HF_ENDPOINT: 'https://mirror.example/' }, { endpoint: 'https://mirror.example' }],
    ['HF_TOKEN', { HF_TOKEN: ' hf_x\n' }, { token: 'hf_x' }],
    ['HF_HUB_OFFLINE', { HF_HUB_OFFLINE: 'yes' }, { offline: true }],
    ['HF_HUB_OFFLINE=0', { HF_HUB_OFFLINE: '0' }, { offline: false }],
    ['TRANSFORMERS_OFFLINE', { TRANSFORMERS_OFFLINE: '1' }, { offline: true }],
  ])('%s', async (_, env, expected) => expect(await hubSettings(env)).toMatchObject(expected))

  test.each<[string, NodeJS.ProcessEnv]>([
    ['hub/token-form', { HF_TOKEN: 'hf_secret\nhf_secret' }],
    ['hub/token-form', { HUGGING_FACE_HUB_TOKEN: 'hf_secret hf_secret' }],
    ['hub/token-form', { HF_TOKEN: 'hf_secret…' }],
    ['hub/endpoint', { HF_ENDPOINT: 'foo' }],
    ['hub/endpoint', { HF_ENDPOINT: 'mirror.example:8080' }],
    ['hub/endpoint', { HF_ENDPOINT: 'ftp://mirror.example' }],
  ])('%s for %j', async (code, env) => {
    const error = await hubSettings(env).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code, exitCode: 2, message: expect.not.stringContaining('hf_secret') })
  })

  test('the token that a login wrote', async () => {
    const home = mkdtempSync(join(tmpdir(), 'bifocal-hub-home-'))
    writeFileSync(join(home, 'token'), 'hf_file\n')
    expect((await hubSettings({ HF_HOME: home })).token).toBe('hf_file')
    expect((await hubSettings({ HF_HOME: home, HF_TOKEN: 'hf_env' })).token).toBe('hf_env')
    rmSync(home, { recursive: true })
  })
})

describe('a lock', () => {
  const inFolder = async (work: (path: string) => Promise<void>) => {
    const dir = mkdtempSync(join(tmpdir(), 'bifocal-lock-'))
    await work(join(dir, 'deep/x.lock')).finally(() => rmSync(dir, { recursive: true }))
  }

  test('lets one in at a time', () =>
    inFolder(async (path) => {
      let [inside, most] = [0, 0]
      const work = async () => {
        most = Math.max(most, ++inside)
        await new Promise((resolve) => setTimeout(resolve, 20))
        inside--
      }
      await Promise.all([withLock(path, work), withLock(path, work), withLock(path, work)])
      expect(most).toBe(1)
    }))

  test('of a process that died is taken over at once', () =>
    inFolder(async (path) => {
      await withLock(path, async () => {})
      // No process has so high a number.
      writeFileSync(path, `4194305 ${hostname()}`)
      const start = performance.now()
      expect(await withLock(path, async () => 'done')).toBe('done')
      expect(performance.now() - start).toBeLessThan(5000)
    }))

  test('of a living process is waited for until Ctrl-C', () =>
    inFolder(async (path) => {
      await withLock(path, async () => {})
      writeFileSync(path, `${process.pid} ${hostname()}`)
      await expect(withLock(path, async () => {}, AbortSignal.timeout(50))).rejects.toMatchObject({
        code: 'interrupted',
      })
    }))
})
