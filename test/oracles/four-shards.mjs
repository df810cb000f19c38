/**
 * Four shards in four folders, merged, against one machine: all bytes of an `eval` over three tasks,
 * and of the vectors of a list in every format.
 *
 *   npm run build && node test/oracles/four-shards.mjs
 *
 * Prints the number of vectors of each shard and of files compared.
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const main = new URL('../../dist/cli/main.js', import.meta.url).pathname
const dir = mkdtempSync(join(tmpdir(), 'bifocal-four-shards-'))
const at = (name) => join(dir, name)
const tasks = ['object-group', 'scene-t2i', 'cross-style']
const evaluation = ['eval', 'bifocal:tower', '--tasks', ...tasks, '--limit', '12', '--threads', '1']

/** Runs a command to its end. @returns its JSON */
function run(...words) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words, '--json'], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`bifocal ${words.join(' ')}: exit ${status}\n${stderr}`)
  return JSON.parse(stdout)
}

/** Path → bytes of everything in a run that must not vary. */
const bytesOf = (out) =>
  new Map(
    readdirSync(out, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/^(run\.json|report\.html)$/.test(entry.name))
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((path) => [path.slice(out.length), readFileSync(path, 'base64')]),
  )

function compare(expected, found) {
  for (const [path, bytes] of expected) if (found.get(path) !== bytes) throw new Error(`${path} differs`)
  for (const path of found.keys()) if (!expected.has(path)) throw new Error(`${path} is too many`)
}

try {
  run(...evaluation, '--out', at('alone'))
  const shards = [1, 2, 3, 4].map((index) => at(`shard-${index}`))
  for (const [i, shard] of shards.entries()) {
    const { vectors } = run(...evaluation, '--shard', `${i + 1}/4`, '--out', shard)
    console.log(`eval, shard ${i + 1} of 4: ${vectors[0].computed} vectors computed`)
  }
  run('merge-runs', ...shards, '--out', at('merged'))
  const [{ items, resumed, computed }] = JSON.parse(readFileSync(at('merged/run.json'), 'utf8')).vectors
  if (computed !== 0 || resumed !== items) throw new Error('the merge computed vectors')
  const expected = bytesOf(at('alone'))
  compare(expected, bytesOf(at('merged')))
  console.log(`eval: ${expected.size} files of the merged run are equal to one machine's; ${items} vectors`)

  const lines = Array.from({ length: 1100 }, (_, i) => JSON.stringify({ id: `n${i}`, text: `a cat ${i}` }))
  writeFileSync(at('list.jsonl'), lines.join('\n'))
  const embedding = ['embed', 'bifocal:tower', '--input', at('list.jsonl'), '--threads', '1']
  run(...embedding, '--shard', '1/1', '--out', at('one'))
  const parts = [1, 2, 3, 4].map((index) => at(`part-${index}`))
  for (const [i, part] of parts.entries()) {
    const { own } = run(...embedding, '--shard', `${i + 1}/4`, '--out', part)
    console.log(`embed, part ${i + 1} of 4: ${own.computed} vectors computed`)
  }
  for (const ending of ['safetensors', 'npy', 'parquet', 'jsonl']) {
    run('merge-runs', at('one'), '--out', at(`one.${ending}`))
    run('merge-runs', ...parts, '--out', at(`four.${ending}`))
    const [one, four] = ['one', 'four'].map((name) => readFileSync(at(`${name}.${ending}`)))
    if (!one.equals(four)) throw new Error(`four.${ending} differs`)
    console.log(`embed: four.${ending} is equal to one machine's, ${four.length} bytes`)
  }
} finally {
  rmSync(dir, { recursive: true, force: true })
}
