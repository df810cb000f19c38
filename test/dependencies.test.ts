/**
 * @file Rooms import only from rooms above them (docs/architecture.md), no file imports itself in a
 * circle, one room knows the engine.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = join(root, 'src')

interface SourceFile {
  /** Relative to src, e.g. `graph/compile.ts`. */
  path: string
  folder: string
  /** Local files that it imports, relative to src; types count too. */
  local: string[]
  /** The same without `import type`. */
  values: string[]
  packages: string[]
}

/** `from '…'`, `import('…')`, `import '…'`, with what stands before. */
const IMPORT =
  /^(import|export)( type)?\b[^'"\n]*?(?:\{[^}]*\}[^'"\n]*?)?from '([^']+)'|\bimport\('([^']+)'\)|^import '([^']+)'/gm

/** `wing/room`; the command line is a wing without rooms. */
const roomOf = (path: string) => (path.startsWith('cli/') ? 'cli' : path.split('/').slice(0, 2).join('/'))

const files: SourceFile[] = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter(
    (path) =>
      path.endsWith('.ts') &&
      !path.endsWith('.test.ts') &&
      !path.startsWith(join('measuring', 'report', 'page')),
  )
  .map((path) => {
    const text = readFileSync(join(source, path), 'utf8')
    const found = [...text.matchAll(IMPORT)].map((match) => ({
      type: match[2] !== undefined,
      from: match[3] ?? match[4] ?? match[5] ?? '',
    }))
    const resolved = (from: string) => relative(source, join(source, dirname(path), from))
    const local = found.filter(({ from }) => from.startsWith('.'))
    return {
      path,
      folder: roomOf(path),
      local: local.map(({ from }) => resolved(from)),
      values: local.filter(({ type }) => !type).map(({ from }) => resolved(from)),
      packages: found.filter(({ type, from }) => !type && !from.startsWith('.')).map(({ from }) => from),
    }
  })

/** Rooms of the table in docs/architecture.md, top to bottom: `foundation/numeric`, …, `cli`. */
const order: string[] = []
const rows = readFileSync(join(root, 'docs/architecture.md'), 'utf8').matchAll(
  /^\| (?:`([a-z]+)`)? *\| (?:`([a-z]+)`)? *\|/gm,
)
let wing = ''
for (const [, ownWing, room] of rows) {
  wing = ownWing ?? wing
  order.push(room === undefined ? wing : `${wing}/${room}`)
}

test('the table names every room, and no others', () => {
  const rooms = new Set(files.filter(({ path }) => path.includes('/')).map(({ folder }) => folder))
  expect(order.length).toBeGreaterThan(15)
  expect([...rooms].sort()).toEqual(order.toSorted())
})

test('src shows the wings and the public API, nothing else', () => {
  const wings = [...new Set(order.map((room) => room.split('/')[0]!))]
  expect(readdirSync(source).sort()).toEqual([...wings, 'index.ts'].sort())
})

test('a room imports only from itself and rooms above it', () => {
  const wrong = files.flatMap(({ path, folder, local }) =>
    local
      .filter((target) => path.includes('/') && order.indexOf(roomOf(target)) > order.indexOf(folder))
      .map((target) => `${path} → ${target}`),
  )
  expect(wrong).toEqual([])
  // The test sees imports at all.
  expect(files.flatMap(({ local }) => local).length).toBeGreaterThan(300)
})

test('only the runtime knows the engine', () => {
  const knowing = files
    .filter(({ packages }) => packages.some((name) => name.startsWith('onnxruntime')))
    .map(({ path }) => path)
  expect(knowing).toEqual(['engine/runtime/engine.ts'])
})

test("only the command line names Node's own types, which users of the library may not have", () => {
  const naming = files
    .filter(({ path }) => /\bNodeJS\./.test(readFileSync(join(source, path), 'utf8')))
    .map(({ path }) => path)
  expect(naming.filter((path) => !path.startsWith('cli/'))).toEqual([])
  expect(naming).toContain('cli/io.ts')
})

test('no file imports itself in a circle', () => {
  const targets = new Map(files.map(({ path, values }) => [path, values]))
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (path: string, trail: readonly string[]) => {
    const at = trail.indexOf(path)
    if (at >= 0) circles.push([...trail.slice(at), path].join(' → '))
    if (at >= 0 || done.has(path)) return
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const { path } of files) visit(path, [])
  expect(circles).toEqual([])
})
