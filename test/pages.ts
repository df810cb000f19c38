/**
 * @file README and the pages of docs, with the commands and programs that a reader copies from
 * them.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** A block of code on a page. */
export interface Block {
  readonly page: string
  /** Counted from 1. */
  readonly line: number
  /** `sh` where the block is indented and not fenced. */
  readonly language: string
  readonly text: string
}

/** A line of a block of commands, or a span of code in a sentence. */
export interface Command {
  readonly page: string
  readonly line: number
  /** As one types it. */
  readonly text: string
  /** Program and arguments, without quotes; `NAME=value` pairs apart. */
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** The exit code that the comment behind the command speaks of; default 0. */
  readonly exitCode: number
}

export const pages: readonly string[] = [
  'README.md',
  'packages/twins/README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name).replaceAll('\\', '/'))
    .sort(),
]

export function textOf(page: string): string {
  return readFileSync(join(root, page), 'utf8')
}

/** Fenced blocks, and indented ones that no list holds. */
export function blocksOf(page: string): Block[] {
  const lines = textOf(page).split('\n')
  const blocks: Block[] = []
  let listed = false
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!
    const fence = /^```(\w*)$/.exec(line)
    const indented = !listed && /^ {4}\S/.test(line) && (lines[at - 1] ?? '') === ''
    if (/^\S/.test(line)) listed = /^([-*]|\d+\.) /.test(line)
    if (fence === null && !indented) continue
    const first = fence === null ? at : at + 1
    let end = first
    while (end < lines.length && (fence === null ? /^ {4}/.test(lines[end]!) : lines[end] !== '```')) end++
    const text = lines.slice(first, end).map((row) => (fence === null ? row.slice(4) : row))
    blocks.push({ page, line: first + 1, language: fence?.[1] ?? 'sh', text: text.join('\n') })
    at = end
  }
  return blocks
}

/** The commands of a block, those that `&&` joins apart. */
export function commandsOf({ page, line, text }: Block): Command[] {
  const rows = text.split('\n')
  const commands: Command[] = []
  for (let at = 0; at < rows.length; at++) {
    const start = at
    let row = rows[at]!
    while (row.endsWith('\\')) row = row.slice(0, -1) + rows[++at]!.trim()
    const [, typed = '', comment = ''] = /^(.*?)(?:\s{2,}#(.*))?$/.exec(row) ?? []
    const exitCode = Number(/exit code (\d+)/.exec(comment)?.[1] ?? 0)
    for (const part of typed.split(' && ').filter((words) => words.trim() !== ''))
      commands.push({ ...parsed(part), page, line: line + start, exitCode })
  }
  return commands
}

/** Commands that a sentence names: `npm run gates`, `bifocal study --seed 8`. */
export function spansOf(page: string): Command[] {
  const lines = textOf(page).split('\n')
  return lines.flatMap((line, at) =>
    /^ {4}/.test(line)
      ? []
      : [...line.matchAll(/`((?:npx )?(?:bifocal|npm) [^`]+)`/g)].map(([, text = '']) => ({
          ...parsed(text),
          page,
          line: at + 1,
          exitCode: 0,
        })),
  )
}

function parsed(text: string): Pick<Command, 'text' | 'words' | 'environment'> {
  const words = [...text.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) => word.replace(/["']/g, ''))
  const program = words.findIndex((word) => !/^[A-Z_]+=/.test(word))
  const pairs = words
    .slice(0, program)
    .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const)
  return { text: text.trim(), words: words.slice(program), environment: Object.fromEntries(pairs) }
}
