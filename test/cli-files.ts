/** @file A folder for tests of the command line: a tiny model, a picture, lists of items. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect } from 'vitest'
import { z } from 'zod'
import { runHere } from './command-line.ts'
import { writeRandomTwins } from './random-twins.ts'

export interface CliFiles {
  readonly root: string
  /** The folder of a twin with random weights. */
  readonly model: string
  /** The path of a file in the folder. */
  at(name: string): string
  remove(): void
}

/** Makes the folder. */
export async function writeCliFiles(): Promise<CliFiles> {
  const root = mkdtempSync(join(tmpdir(), 'bifocal-cli-'))
  const at = (name: string) => join(root, name)
  const model = (await writeRandomTwins(root)).ar
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
  mkdirSync(at('folder.jsonl'))
  return { root, model, at, remove: () => rmSync(root, { recursive: true, force: true }) }
}

/** Changes the config.json of a model's folder. */
export function editConfig(dir: string, change: (json: Record<string, unknown>) => unknown): void {
  const file = join(dir, 'config.json')
  writeFileSync(
    file,
    JSON.stringify(change(z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(file, 'utf8'))))),
  )
}

/** Changes a config so that the weights beside it do not fit. */
export function otherShape(json: Record<string, unknown>): Record<string, unknown> {
  return { ...json, text_config: { ...z.looseObject({}).parse(json.text_config), intermediate_size: 40 } }
}

export interface Refusal {
  args: () => string[]
  code: number
  /** In the words on stderr. */
  says: RegExp
}

/**
 * Runs the command line and expects an error with a hint, no stack, and no file in `root`.
 * @param run runs it; default: without a process of its own
 */
export async function expectRefusal(
  { args, code, says }: Refusal,
  root: string,
  run: typeof runHere = runHere,
): Promise<void> {
  const result = await run(args())
  expect(result.stderr).toMatch(says)
  expect(result.stderr).toMatch(/\n {2}hint: ./)
  expect(result.stderr).not.toMatch(/\n {4}at /)
  expect(result.stdout).toBe('')
  expect(result.code).toBe(code)
  expect(readdirSync(root).filter((name) => name.startsWith('v.') || name.endsWith('.tmp'))).toEqual([])
}
