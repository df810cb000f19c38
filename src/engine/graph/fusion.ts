/**
 * @file Finds chains of operators for which the engine's CPU has one operator of its own. The graph
 * stays as it was built; the encoded model has the one operator. A chain is kept where something
 * else reads a value inside it, as gradients do.
 */

import { f32, i64, tensor } from '../../foundation/numeric/tensor.ts'
import { addDims, type Dim, multiplyDims } from './dims.ts'
import type { NodeWriter } from './encoders.ts'
import { isNode, type Node, type Value } from './graph.ts'
import { ONNX_TYPE } from './onnx-model.ts'
import type { Op } from './op.ts'

/** One operator of the engine that replaces a node and the nodes that only this node reads. */
interface Fusion {
  inputs: readonly Value[]
  /** Gives the name of the node's output. @param names of the inputs */
  write(names: readonly string[], writer: NodeWriter): string
}

/** Fusions by the id of the node that each replaces. */
export type Fusions = ReadonlyMap<number, Fusion>

/** Both operators need heads whose size is a multiple of this. */
const HEAD_STEP = 8

/**
 * @param nodes inputs before their users
 * @returns fusions by the id of the chain's last node
 */
export function findFusions(nodes: readonly Node[]): Fusions {
  const users = new Map<number, number>()
  for (const { inputs } of nodes) for (const { id } of inputs) users.set(id, (users.get(id) ?? 0) + 1)
  const once = ({ id }: Value) => users.get(id) === 1
  const found = new Map<number, Fusion>()
  for (const node of nodes) {
    const fusion = attention(node, once) ?? rotation(node)
    if (fusion !== undefined) found.set(node.output.id, fusion)
  }
  return found
}

/** The node that makes a value, if it applies `op`. */
function made<O extends Op>(op: O, value: Value | undefined): Node<O> | undefined {
  const node = value?.graph.producer(value)
  return node !== undefined && isNode(node, op) ? node : undefined
}

/** Looks through changes of shape. */
function unshaped(value: Value | undefined): Value | undefined {
  const node = made('Reshape', value)
  return node === undefined ? value : unshaped(node.inputs[0])
}

/** The value before it was transposed by `permutation`; undefined where it was not. */
function transposed(value: Value | undefined, permutation: readonly number[]): Value | undefined {
  const node = made('Transpose', value)
  return node?.attributes.permutation.join() === permutation.join() ? node.inputs[0] : undefined
}

/** The number in a scalar constant. */
function scalar(value: Value | undefined): number | undefined {
  const node = made('Constant', value)
  return node?.output.dims.length === 0 ? Number(node.attributes.tensor.data[0]) : undefined
}

/** The arguments of `attend`. */
interface Attention {
  /** `[batch, seq, heads, headDim]`; keys and values may have fewer heads. */
  query: Value
  key: Value
  value: Value
  mask: Value | undefined
  scale: number
}

/** Recognises `attend` of a sequence to itself, where nothing else reads its weights. */
function selfAttention(last: Node, once: (value: Value) => boolean): Attention | undefined {
  const mixed = made(
    'MatMul',
    unshaped(transposed(unshaped(isNode(last, 'Reshape') ? last.output : undefined), [0, 2, 1, 3])),
  )
  const weights = made('Softmax', unshaped(mixed?.inputs[0]))
  const value = transposed(mixed?.inputs[1], [0, 2, 1, 3])
  const masked = made('Add', weights?.inputs[0])
  const scores = made('MatMul', unshaped(masked === undefined ? weights?.inputs[0] : masked.inputs[0]))
  const scaled = made('Mul', unshaped(scores?.inputs[0]))
  const query = transposed(scaled?.inputs[0], [0, 2, 1, 3])
  const key = transposed(scores?.inputs[1], [0, 2, 3, 1])
  const scale = scalar(scaled?.inputs[1])
  if (
    weights === undefined ||
    query === undefined ||
    key === undefined ||
    value === undefined ||
    scale === undefined
  )
    return undefined
  const [batch, seq, heads, headDim] = query.dims
  const fits =
    Number(headDim) % HEAD_STEP === 0 &&
    last.output.dims.join() === [batch, seq, multiplyDims(heads!, headDim!)].join() &&
    key.dims.join() === [batch, seq, key.dims[2], headDim].join() &&
    value.dims.join() === key.dims.join() &&
    weights.attributes.axis === 3 &&
    weights.output.dims.join() === [batch, heads, seq, seq].join()
  return fits && once(weights.output) ? { query, key, value, mask: masked?.inputs[1], scale } : undefined
}

/** Heads `[batch, seq, heads, headDim]` as `[batch, seq, heads·headDim]`. */
function flat(name: string, { dims }: Value, writer: NodeWriter): string {
  return writer.emit('Reshape', [name, writer.constant(i64([3], [0, 0, Number(dims[2]) * Number(dims[3])]))])
}

function attention(last: Node, once: (value: Value) => boolean): Fusion | undefined {
  const found = selfAttention(last, once)
  if (found === undefined) return undefined
  return found.mask === undefined ? openAttention(found) : causalAttention(found, found.mask)
}

/**
 * Attention without a mask. The engine's operator goes tile by tile and never writes the scores of
 * all heads (16 heads of 64, 577 positions, one core: 21 ms as a chain, 14 in one operator).
 */
function openAttention({ query, key, value, scale }: Attention): Fusion | undefined {
  const heads = Number(query.dims[2])
  if (key.dims[2] !== heads) return undefined
  return {
    inputs: [query, key, value],
    write([q, k, v], writer) {
      const inputs = [flat(q!, query, writer), flat(k!, key, writer), flat(v!, value, writer)]
      return writer.emit(
        'MultiHeadAttention',
        inputs,
        { num_heads: heads, scale: { real: scale } },
        'com.microsoft',
      )
    },
  }
}

/**
 * Larger blocks stay a chain: a sequence grows by a block in the operator, which a short one would
 * not get back.
 */
const LARGEST_BLOCK = 16

/**
 * Attention behind a causal mask, or one of blocks. The engine's operator leaves out the keys that
 * come later. In the chain they take more than half the time of a softmax, because a processor
 * computes exp(−10⁹) by way of its microcode (12 heads of 64, 256 positions, one core: 5.3 ms as a
 * chain, 3.0 in one operator).
 *
 * The operator knows no blocks. Queries are moved back by the most keys that a query may see after
 * its own, so that each sees a whole block and a few keys of the next, which the mask hides.
 */
function causalAttention({ query, key, value, scale }: Attention, mask: Value): Fusion | undefined {
  const [batch, seq, heads] = query.dims
  const ahead = keysAhead(mask, seq!)
  if (ahead === undefined || ahead >= LARGEST_BLOCK) return undefined
  const length = addDims(seq!, ahead)
  return {
    inputs: [query, key, value, mask],
    write([q, k, v, bias], writer) {
      const total = writer.emit('Cast', [writer.sizes([length])], { to: ONNX_TYPE.i32 })
      // Index of the last key of each sequence. The mask says which keys are padding.
      const end = writer.emit('Sub', [total, writer.constant(tensor('i32', [1], Int32Array.of(1)))])
      const lengths = [writer.emit('Expand', [end, writer.sizes([batch!])]), writer.emit('Squeeze', [total])]
      // A sink that takes no weight turns the engine's tiled variant off, which computes the later
      // keys too.
      const sink = writer.constant(
        f32([Number(heads)], new Float32Array(Number(heads)).fill(Number.NEGATIVE_INFINITY)),
      )
      const padded = (name: string, pads: number[], ...value: string[]) =>
        ahead === 0 ? name : writer.emit('Pad', [name, writer.constant(i64([pads.length], pads)), ...value])
      const shaped = [
        padded(flat(q!, query, writer), [0, ahead, 0, 0, 0, 0]),
        padded(flat(k!, key, writer), [0, 0, 0, 0, ahead, 0]),
        padded(flat(v!, value, writer), [0, 0, 0, 0, ahead, 0]),
      ]
      const hidden = writer.constant(f32([], [HIDDEN]))
      const scores = padded(bias!, [0, 0, ahead, 0, 0, 0, 0, ahead], hidden)
      const inputs = [...shaped, '', '', ...lengths, '', '', '', scores, sink]
      const attributes = {
        num_heads: Number(heads),
        kv_num_heads: Number(key.dims[2]),
        scale: { real: scale },
      }
      const mixed = writer.emit('GroupQueryAttention', inputs, attributes, 'com.microsoft')
      if (ahead === 0) return mixed
      const whole = (value: number) => writer.constant(i64([1], [value]))
      return writer.emit('Slice', [mixed, whole(ahead), writer.sizes([length]), whole(1)])
    },
  }
}

/** At most this is added to the score of a hidden key. */
const HIDDEN = -1e9

/**
 * How many keys after its own a query may give weight to, at most, behind a mask
 * `[batch or 1, 1, seq, seq]`: none behind a causal mask, one less than a block behind one of
 * blocks. `undefined`: no such mask.
 */
function keysAhead(mask: Value, seq: Dim): number | undefined {
  const choice = made('Where', mask)
  const seen = choice?.inputs[0]
  const hidden = scalar(choice?.inputs[2])
  if (seen === undefined || scalar(choice?.inputs[1]) !== 0 || hidden === undefined || hidden > HIDDEN)
    return undefined
  if (mask.dims.length !== 4 || mask.dims[1] !== 1) return undefined
  for (const condition of [seen, ...(made('And', seen)?.inputs ?? [])]) {
    const [key, query] = made('LessOrEqual', condition)?.inputs ?? []
    const ahead = stepAhead(unshaped(key))
    const batch = key?.dims[0]
    if (
      ahead !== undefined &&
      unshaped(key) === unshaped(query) &&
      key!.dims.join() === [batch, 1, 1, seq].join() &&
      query!.dims.join() === [batch, 1, seq, 1].join()
    )
      return ahead
  }
  return undefined
}

/**
 * How far apart two positions of one step are, at most, and so of none later: 0 where a step is a
 * position, one less than a block where it is `⌊(position + shift) / block⌋`, the shift being one
 * number for a sequence.
 */
function stepAhead(step: Value | undefined): number | undefined {
  if (made('Iota', unshaped(step)) !== undefined) return 0
  const [position, block] = made('Div', step)?.inputs ?? []
  const size = scalar(block)
  const [at, shift] = made('Add', position)?.inputs ?? [position]
  const even = shift === undefined || shift.dims.at(-1) === 1
  return size !== undefined && size >= 1 && even && made('Iota', unshaped(at)) !== undefined
    ? size - 1
    : undefined
}

/** `rotatePairs` of heads `[batch, seq, heads, headDim]`: one pass instead of nine. */
function rotation(last: Node): Fusion | undefined {
  const [x, cos, sin] = isNode(last, 'Rotate') ? last.inputs : []
  if (x === undefined || cos === undefined || sin === undefined || x.dims.length !== 4) return undefined
  const [batch, seq, heads, headDim] = x.dims
  const half = Number(headDim) / 2
  const fits =
    (cos.dims[0] === 1 || cos.dims[0] === batch) && cos.dims.slice(1).join() === [seq, 1, half].join()
  if (!fits || Number(headDim) % HEAD_STEP !== 0) return undefined
  return {
    inputs: [x, cos, sin],
    write([from, cosines, sines], writer) {
      const shape = (name: string, ...dims: number[]) =>
        writer.emit('Reshape', [name, writer.constant(i64([dims.length], dims))])
      const whole = (value: number) => writer.constant(i64([], [value]))
      const count = () => writer.emit('Squeeze', [writer.sizes([multiplyDims(batch!, seq!)])])
      // Rows of the two tables: the first ones for every sequence, or one for each position.
      const places =
        cos.dims[0] === 1
          ? writer.constant(i64([1], [0]))
          : writer.emit('Reshape', [
              writer.emit('Range', [whole(0), count(), whole(1)]),
              writer.sizes([batch!, seq!]),
            ])
      const inputs = [
        shape(from!, 0, 0, Number(heads) * Number(headDim)),
        places,
        shape(cosines!, -1, half),
        shape(sines!, -1, half),
      ]
      return shape(
        writer.emit('RotaryEmbedding', inputs, {}, 'com.microsoft'),
        0,
        0,
        Number(heads),
        Number(headDim),
      )
    },
  }
}
