// Compares decodeImage with what Pillow made of the same files: see pillow_images.py.
//
//     node test/oracles/pillow_images.mjs FOLDER PILLOW.json
//
// Prints how many files are equal to the bit, differ, are refused, or are read although Pillow
// refuses them; exit code 4 where one differs.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeImage } from '../../dist/inputs/media/decode.js'

const [folder, oracle] = process.argv.slice(2)
const tally = new Map()
const count = (outcome, name) => tally.set(outcome, [...(tally.get(outcome) ?? []), name])
for (const [name, expected] of Object.entries(JSON.parse(readFileSync(oracle, 'utf8')))) {
  try {
    const { width, height, data } = await decodeImage(join(folder, name))
    const sha256 = createHash('sha256').update(data).digest('hex').slice(0, 16)
    const isEqual = width === expected.width && height === expected.height && sha256 === expected.sha256
    count(expected.error !== undefined ? 'read, refused by Pillow' : isEqual ? 'equal' : 'DIFFERENT', name)
  } catch (error) {
    if (error.code === undefined) throw error
    count(expected.error === undefined ? `refused: ${error.code}` : 'refused by both', name)
  }
}
for (const [outcome, names] of [...tally].sort()) {
  console.log(`${String(names.length).padStart(5)} ${outcome}`)
  if (outcome === 'DIFFERENT' || outcome.startsWith('read'))
    for (const name of names) console.log(`        ${name}`)
}
process.exitCode = tally.has('DIFFERENT') ? 4 : 0
