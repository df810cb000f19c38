/**
 * @file Every command and program on the pages runs. Commands that take minutes, a GPU or a network
 * are checked as far as they can be: flags, values, scripts, files. A command of a new kind fails
 * here until it is said how it is checked.
 */

import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { commands } from '../src/cli/commands/all.ts'
import { buildCli, runCli } from './built-cli.ts'
import { runHere } from './command-line.ts'
import { blocksOf, type Command, commandsOf, pages, root, spansOf } from './pages.ts'
import { type Reader, reader } from './reader.ts'

const blocks = pages.flatMap(blocksOf)
const typed = blocks.filter(({ language }) => language === 'sh').flatMap(commandsOf)
const programs = blocks.filter(({ language }) => language === 'ts')
const { scripts, name: own } = z
  .object({ name: z.string(), scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))

/** Commands of bifocal that are not run here, and why. */
const NOT_RUN: readonly [commands: RegExp, why: string][] = [
  [/ --preset \S+ --picture /, "compares published weights with their authors' figures"],
  [/ --device (cuda|webgpu)/, 'wants a GPU'],
  [/^npx bifocal gates/, 'takes minutes'],
  [/ --precision/, 'runs in a test of its own: src/models/embedder/precision.test.ts'],
  [/ --plan pairs/, 'runs in a test of its own: src/measuring/study/pairs'],
  [/ --plan paper/, 'runs in a test of its own: src/measuring/study/paper'],
  [/^npx bifocal pretrain/, 'takes hours'],
]

/** Flags that make a run of minutes one of seconds: the study's, unless it names its tasks. */
const quick = ([name, ...rest]: readonly string[]) =>
  name === 'study' && !rest.includes('--tasks') ? ['--tasks', 'object-group', '--no-tune'] : []

const place = ({ page, line, text }: Command) => [`${page}:${line}`, text] as const
const argumentsOf = ({ words }: Command) => words.slice(words.indexOf('bifocal') + 1)
const isBifocal = ({ words }: Command) => words.slice(0, 2).includes('bifocal') && !isNpm(words)
const isNpm = (words: readonly string[]) => words[0] === 'npm'

let at: Reader
beforeAll(async () => {
  await buildCli()
  at = await reader()
}, 300_000)
afterAll(async () => await at.leave())

test.each(pages.filter((page) => page.startsWith('docs/')))('%s begins with a command', (page) => {
  expect(blocksOf(page)[0]).toMatchObject({ language: 'sh' })
})

describe('flags and values', () => {
  test.each(
    [...typed, ...pages.flatMap(spansOf)].filter(isBifocal).map((one) => [...place(one), one] as const),
  )('%s %s', (_, __, command) => {
    const [name = '', ...rest] = argumentsOf(command)
    const outline = commands.find((entry) => entry.outline.name === name)?.outline
    expect(commands.map((entry) => entry.outline.name)).toContain(name)
    rest.forEach((word, i) => {
      if (!word.startsWith('--')) return
      const flag = outline?.flags.find((known) => known.name === word)
      expect([word, flag?.name]).toEqual([word, word])
      // A word in capitals stands for a value of the reader's.
      const value = rest[i + 1] ?? ''
      if (flag?.choices.length && !/^[A-Z|]+$/.test(value)) {
        for (const choice of value.split('|')) expect(flag.choices).toContain(choice)
      }
    })
  })
})

describe('scripts and files', () => {
  test.each(
    [...typed, ...pages.flatMap(spansOf)]
      .filter((one) => !isBifocal(one))
      .map((one) => [...place(one), one] as const),
  )('%s %s', (_, __, { words, text }) => {
    const [program, verb, what = ''] = words
    if (program === 'npm' && verb === 'run') expect(Object.keys(scripts)).toContain(what)
    else if (program === 'npm' && (verb === 'start' || verb === 'test')) expect(scripts[verb]).toBeDefined()
    else if (program === 'npm' && verb === 'install')
      for (const name of words.slice(2).filter((word) => !word.startsWith('--')))
        expect([own, `${own}-twins`]).toContain(name)
    else if (program === 'npm' && verb === 'rebuild')
      // Without the flag npm does nothing and says that it succeeded.
      expect(words).toEqual(['npm', 'rebuild', '--ignore-scripts=false', 'onnxruntime-node'])
    else if (program === 'npx' && ['vitest', 'tsc'].includes(verb ?? ''))
      expect(existsSync(join(root, words.at(-1)!))).toBe(true)
    else if (program === 'node' && verb?.startsWith('.bifocal/scripts/'))
      expect(existsSync(join(root, verb.replace('.bifocal/scripts/', '').replace(/js$/, 'ts')))).toBe(true)
    else expect(['npm ci', 'npm pack']).toContain(text)
  })
})

describe('runs', () => {
  const run = typed.filter((one) => isBifocal(one) && !NOT_RUN.some(([commands]) => commands.test(one.text)))
  // Several pages begin with the same command.
  const known = new Map(run.map((one) => [JSON.stringify([one.text, one.environment]), one]))
  test.for([...known.values()].map((one) => [...place(one), one] as const))(
    '%s %s',
    { timeout: 240_000 },
    async ([, , command], { skip }) => {
      const given = argumentsOf(command)
      const absent = given
        .map((word) => word.replace(/@.*$/, ''))
        .filter(
          (word) =>
            /^[\w-][\w.-]*\/[\w.-]+$/.test(word) &&
            !/^\d+\/\d+$/.test(word) &&
            !existsSync(join(at.folder, word)),
        )
        .filter((name) => !at.serves(name))
      skip(absent.length > 0, `no tiny model stands for ${absent.join(', ')} on this machine`)
      // A study renders the page of the build.
      const runs = given[0] === 'study' ? runCli : runHere
      const { code, stderr } = await runs([...given, ...quick(given)], {
        cwd: at.folder,
        env: { ...at.environment, ...command.environment },
      })
      expect(code, stderr).toBe(command.exitCode)
    },
  )
})

describe('programs', () => {
  /** In the checkout, where `bifocal` is a package of itself. */
  const dir = join(root, '.bifocal/pages')
  const nameOf = (i: number) => `program-${i}`

  /** As the compiler prints them; what can be compiled is. */
  let problems: string
  beforeAll(async () => {
    rmSync(dir, { recursive: true, force: true })
    mkdirSync(dir, { recursive: true })
    for (const [i, { text }] of programs.entries()) writeFileSync(join(dir, `${nameOf(i)}.ts`), text)
    const options = {
      noEmit: false,
      declaration: false,
      sourceMap: false,
      noUnusedLocals: false,
      rootDir: '.',
      outDir: '.',
    }
    writeFileSync(
      join(dir, 'tsconfig.json'),
      JSON.stringify({
        extends: '../../tsconfig.json',
        compilerOptions: options,
        include: ['*.ts'],
        exclude: [],
      }),
    )
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const compiled = await promisify(execFile)(process.execPath, [tsc, '-p', dir]).catch((error) => error)
    problems = compiled.stdout
  }, 120_000)

  test('have the types that the package says', () => {
    expect(problems).toBe('')
  })

  test.each(programs.map(({ page, line }, i) => [`${page}:${line}`, i] as const))(
    '%s',
    async (_, i) => {
      const run = promisify(execFile)(process.execPath, [join(dir, `${nameOf(i)}.js`)], {
        cwd: at.folder,
        env: { ...process.env, ...at.environment },
      })
      await expect(run).resolves.toMatchObject({ stdout: '' })
    },
    120_000,
  )
})
