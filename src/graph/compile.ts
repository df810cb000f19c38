/** @file From a graph to an ONNX model: keeps what the outputs need and writes it, weights staying where they lie. */

import { i64, type Tensor } from '../numeric/tensor.ts'
import type { CompiledGraph, FeedSlot, WeightPlacement, WeightSlot } from './compiled.ts'
import { type Dim, termsOf } from './dims.ts'
import { encodeNode, type encoders, type NodeWriter } from './encoders.ts'
import { GraphError } from './errors.ts'
import { type Graph, isNode, type Node, type Value } from './graph.ts'
import { type AttributeValue, attributeMessage, modelBytes, type NodeMessage, type TensorMessage, tensorMessage } from './onnx-model.ts'

/**
 * Compiles the declared outputs (or those named) of a graph.
 * @throws GraphError `graph/no-output`, `graph/free-symbol` when a size can't be read off any input
 * @example const session = await openSession(compile(graph), { weights })
 */
export function compile(graph: Graph, { outputs = [...graph.outputs.keys()] }: { outputs?: readonly string[] } = {}): CompiledGraph {
  const results = outputs.map((name): [string, Value] => {
    const value = graph.outputs.get(name)
    if (value !== undefined) return [name, value]
    throw new GraphError('no-output', {
      message: `no output named ${name}; there are ${[...graph.outputs.keys()].join(', ')}`,
      hint: 'Declare it with graph.output.',
    })
  })
  const nodes = reachable(
    graph,
    results.map(([, value]) => value),
  )
  const inputs: FeedSlot[] = []
  const weights: WeightSlot[] = []
  for (const node of nodes) {
    const { dtype, dims } = node.output
    if (isNode(node, 'Input') || (isNode(node, 'Parameter') && node.attributes.placement === 'fed'))
      inputs.push({ name: node.attributes.name, dtype, dims: [...dims] })
    else if (isNode(node, 'Parameter')) weights.push({ name: node.attributes.name, dtype, dims: dims.map(Number) })
  }
  const slots = results.map(([name, { dtype, dims }]) => ({ name, dtype, dims: [...dims] }))
  return {
    inputs,
    outputs: slots,
    weights,
    encode(place: (slot: WeightSlot) => WeightPlacement) {
      const writer = new ModelWriter(inputs)
      for (const node of nodes) writer.write(node)
      for (const [name, value] of results) writer.name(name, value)
      return modelBytes({ inputs, outputs: slots, weights, constants: writer.constants, nodes: writer.nodes }, place)
    },
  }
}

/** The nodes that `values` need, inputs before their users. */
function reachable(graph: Graph, values: readonly Value[]): Node[] {
  const needed = new Set<number>()
  const open = values.map(({ id }) => id)
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (needed.has(id)) continue
    needed.add(id)
    for (const input of graph.nodes[id]!.inputs) open.push(input.id)
  }
  return graph.nodes.filter((_, id) => needed.has(id))
}

/** Writes nodes one after the other and remembers what each value is called. */
class ModelWriter implements NodeWriter {
  readonly nodes: NodeMessage[] = []
  readonly constants: TensorMessage[] = []
  readonly #names = new Map<number, string>()
  readonly #sizes = new Map<Dim, string>()
  readonly #inputs: readonly FeedSlot[]
  #count = 0

  constructor(inputs: readonly FeedSlot[]) {
    this.#inputs = inputs
  }

  write(node: Node): void {
    if (isNode(node, 'Input') || isNode(node, 'Parameter')) {
      this.#names.set(node.output.id, node.attributes.name)
    } else if (isWritten(node)) {
      const inputs = node.inputs.map(({ id }) => this.#names.get(id)!)
      this.#names.set(node.output.id, encodeNode(node, inputs, this))
    }
  }

  /** Gives a value the name of an output. */
  name(output: string, value: Value): void {
    this.nodes.push({ opType: 'Identity', input: [this.#names.get(value.id)!], output: [output] })
  }

  emit(type: string, inputs: readonly string[], attributes: Record<string, AttributeValue> = {}): string {
    const output = `v${this.#count++}`
    const attribute = Object.entries(attributes).map(([name, value]) => attributeMessage(name, value))
    this.nodes.push({ name: `${type}_${output}`, opType: type, input: [...inputs], output: [output], attribute })
    return output
  }

  constant(value: Tensor): string {
    const name = `c${this.#count++}`
    this.constants.push(tensorMessage(name, value))
    return name
  }

  sizes(dims: readonly Dim[]): string {
    if (dims.every((dim) => typeof dim === 'number')) return this.constant(i64([dims.length], dims))
    const parts = dims.map((dim) => this.#size(dim))
    return parts.length === 1 ? parts[0]! : this.emit('Concat', parts, { axis: 0 })
  }

  /** One size as an `i64` vector of one element. */
  #size(dim: Dim): string {
    const known = this.#sizes.get(dim)
    if (known !== undefined) return known
    const written = typeof dim === 'number' ? this.constant(i64([1], [dim])) : this.#polynomial(dim)
    this.#sizes.set(dim, written)
    return written
  }

  #polynomial(dim: Dim): string {
    const symbol = this.#inputAxis(dim)
    if (symbol !== undefined) {
      return this.emit('Gather', [this.emit('Shape', [symbol.name]), this.constant(i64([1], [symbol.axis]))], { axis: 0 })
    }
    const terms = termsOf(dim).map(({ coefficient, symbols }) => {
      if (symbols.length === 1 && coefficient === 1 && symbols[0] === dim) throw freeSymbol(dim)
      return [coefficient, ...symbols].map((factor) => this.#size(factor)).reduce((a, b) => this.emit('Mul', [a, b]))
    })
    return terms.reduce((a, b) => this.emit('Add', [a, b]))
  }

  /** An input with an axis of exactly this size. */
  #inputAxis(dim: Dim): { name: string; axis: number } | undefined {
    for (const { name, dims } of this.#inputs) {
      const axis = dims.indexOf(dim)
      if (axis >= 0) return { name, axis }
    }
    return undefined
  }
}

function isWritten(node: Node): node is Node<keyof typeof encoders> {
  return !isNode(node, 'Input') && !isNode(node, 'Parameter')
}

function freeSymbol(dim: Dim): GraphError {
  return new GraphError('free-symbol', {
    message: `no input has an axis of size ${dim}`,
    hint: 'Declare an input with that dimension, or use a number.',
  })
}
