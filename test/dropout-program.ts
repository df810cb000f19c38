/**
 * @file A program for a child process: prints a hash of the masks of dropout on a device. Argument:
 * the device.
 */

import { createHash } from 'node:crypto'
import { compile } from '../src/engine/graph/compile.ts'
import { Graph } from '../src/engine/graph/graph.ts'
import { DEVICES } from '../src/engine/runtime/devices.ts'
import { openSession } from '../src/engine/runtime/session.ts'
import { f32, isF32 } from '../src/foundation/numeric/tensor.ts'
import { dropout } from '../src/learning/tuning/trained/dropout.ts'

const WIDTH = 512
const ROWS = 400
const drop = dropout(0.1, 7)
const graph = new Graph()
graph.output('kept', drop.apply(graph.input('ones', 'f32', ['batch', 'seq', WIDTH]), 'layer'))
const compiled = compile(graph)
const session = await openSession(compiled, {
  weights: { locate: () => undefined },
  device: DEVICES.find((name) => name === process.argv[2]),
  thread: 'caller',
  name: 'dropout',
})
const units = [0, 1].map((key) => ({ key, rows: ROWS }))
const { kept } = await session.run({
  ones: f32([2, ROWS, WIDTH], new Float32Array(2 * ROWS * WIDTH).fill(1)),
  ...drop.feeds(compiled, { update: 3, units: { 'batch*seq': units } }),
})
await session.close()
if (kept === undefined || !isF32(kept)) throw new Error('floats are expected')
const mask = Uint8Array.from(kept.data, (value) => (value === 0 ? 0 : 1))
const dropped = mask.filter((value) => value === 0).length / mask.length
console.log(JSON.stringify({ dropped, sha256: createHash('sha256').update(mask).digest('hex') }))
