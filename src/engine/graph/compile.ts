/**
 * @file Compiles a graph to an ONNX model. Keeps the nodes that the outputs need and writes them;
 * weights stay where they lie.
 */

import { i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import type {
  CompiledGraph,
  EncodeOptions,
  FeedSlot,
  Precision,
  WeightPlacement,
  WeightSlot,
} from './compiled.ts'
import { type Dim, termsOf } from './dims.ts'
import { encodeNode, type encoders, type NodeWriter, writeAfter } from './encoders.ts'
import { GraphError } from './errors.ts'
import { type Fusions, findFusions } from './fusion.ts'
import { type Graph, isNode, type Node, type Value } from './graph.ts'
import {
  type AttributeValue,
  attributeMessage,
  modelBytes,
  type NodeMessage,
  ONNX_TYPE,
  type TensorMessage,
  tensorMessage,
} from './onnx-model.ts'
import { inEngineOrder, reachable } from './order.ts'
import { isLinear, keptMatrices, type PrecisionPlan, planPrecision } from './precision.ts'
import { ReducedLinears } from './reduced-linear.ts'

export interface CompileOptions {
  /** Names of the outputs to compile; default: all that are declared. */
  outputs?: readonly string[]
  /** Default `f32`. */
  precision?: Precision
  /**
   * Whether the device multiplies f16 by itself (a GPU): at `f16`, linear layers then compute in
   * f16. Default false, right for the CPU, whose engine only saves memory by it: weights are
   * unpacked at each run.
   */
  halfProducts?: boolean
}

/**
 * Compiles the declared outputs (or those named) of a graph.
 * @throws GraphError `graph/no-output`, `graph/free-symbol` when a size can't be read off any input
 * @example const session = await openSession(compile(graph), { weights })
 */
export function compile(
  graph: Graph,
  { outputs = [...graph.outputs.keys()], precision = 'f32', halfProducts = false }: CompileOptions = {},
): CompiledGraph {
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
  const plan = planPrecision(nodes, precision, halfProducts)
  const inputs: FeedSlot[] = []
  const weights: WeightSlot[] = []
  for (const node of nodes) {
    const { id, dtype, dims } = node.output
    const form = plan.get(id)?.form
    if (isNode(node, 'Input') || (isNode(node, 'Parameter') && node.attributes.placement === 'fed'))
      inputs.push({ name: node.attributes.name, dtype, dims: [...dims] })
    else if (isNode(node, 'Parameter'))
      weights.push({ name: node.attributes.name, dtype, dims: dims.map(Number), ...(form && { form }) })
  }
  const slots = results.map(([name, { dtype, dims }]) => ({ name, dtype, dims: [...dims] }))
  return {
    inputs,
    outputs: slots,
    weights,
    encode(
      place: (slot: WeightSlot) => WeightPlacement,
      { halves = true, signedWeights = true, fused = false }: EncodeOptions = {},
    ) {
      const fusions: Fusions = fused ? findFusions(nodes) : new Map()
      const placed = new Map(weights.map((slot) => [slot.name, place(slot)]))
      const kept = keptMatrices(nodes, (name) => placed.get(name))
      const writer = new ModelWriter({ inputs, plan, fusions, kept, halves, signedWeights })
      const written = reachable(
        graph,
        results.map(([, value]) => value),
        fusions,
      )
      for (const node of inEngineOrder(written, fusions)) writer.write(node)
      for (const [name, value] of results) writer.name(name, value)
      return modelBytes(
        { inputs, outputs: slots, weights, constants: writer.constants, nodes: writer.nodes },
        ({ name }) => placed.get(name)!,
      )
    },
  }
}

interface WriterOptions extends Pick<Required<EncodeOptions>, 'halves' | 'signedWeights'> {
  inputs: readonly FeedSlot[]
  plan: PrecisionPlan
  fusions: Fusions
  /** See `keptMatrices`. */
  kept: ReadonlyMap<number, string>
}

/** Writes nodes one after the other and remembers the name of each value. */
class ModelWriter implements NodeWriter {
  readonly nodes: NodeMessage[] = []
  readonly constants: TensorMessage[] = []
  readonly #names = new Map<number, string>()
  readonly #sizes = new Map<Dim, string>()
  readonly #nothing = new Map<string, string>()
  readonly #inputs: readonly FeedSlot[]
  readonly #plan: PrecisionPlan
  readonly #fusions: Fusions
  readonly #kept: ReadonlyMap<number, string>
  /** Kept matrices that were read already. */
  readonly #read = new Set<number>()
  readonly #halves: boolean
  readonly #linears: ReducedLinears
  #count = 0

  constructor({ inputs, plan, fusions, kept, halves, signedWeights }: WriterOptions) {
    this.#inputs = inputs
    this.#plan = plan
    this.#fusions = fusions
    this.#kept = kept
    this.#halves = halves
    this.#linears = new ReducedLinears(this, signedWeights)
  }

  write(node: Node): void {
    const { id } = node.output
    if (isNode(node, 'Input')) this.#names.set(id, node.attributes.name)
    else if (isNode(node, 'Parameter')) this.#names.set(id, this.#unpacked(node))
    else if (isWritten(node)) {
      const fusion = this.#fusions.get(id)
      const values = (fusion ?? node).inputs
      const inputs = values.map((value) => this.#operand(value, values))
      this.#names.set(
        id,
        fusion?.write(inputs, this) ?? this.#changed(node, inputs) ?? encodeNode(node, inputs, this),
      )
    }
  }

  /**
   * The name of a node's input. A matrix that is unpacked at each run is unpacked for each of its
   * readers anew, no sooner than the reader's other inputs are there. Else the engine would unpack
   * it once, and keep it as f32 from its first reader in the forward pass to its last one in the
   * backward pass: at the end of the forward pass, the whole model.
   */
  #operand(value: Value, all: readonly Value[]): string {
    const name = this.#names.get(value.id)!
    const packed = this.#kept.get(value.id)
    if (packed === undefined) return name
    const other = all.find((candidate) => !this.#kept.has(candidate.id) && !isStored(candidate))
    const first = !this.#read.has(value.id)
    this.#read.add(value.id)
    if (first || other === undefined) return name
    const later = writeAfter(packed, this.#names.get(other.id)!, this)
    return this.emit('Cast', [later], { to: ONNX_TYPE.f32 })
  }

  /** A node that reads a weight in another form; undefined for all others. */
  #changed(node: Node, [first, second, third]: readonly string[]): string | undefined {
    const changed = node.inputs.map(({ id }) => this.#plan.get(id))
    const [table, weight] = changed
    // Only linear layers use a weight in 8 bits, and they read its two arrays by their names.
    if (isNode(node, 'Cast') && table?.form === 'int8') return first
    if (isLinear(node) && weight !== undefined && weight.form !== 'half')
      return this.#linears.write(
        { x: first!, width: Number(node.inputs[0]!.dims[1]), weight: weight.name, bias: third },
        weight.form,
      )
    // Unpacking some rows of a table of embeddings is cheaper than unpacking all.
    if (isNode(node, 'Gather') && node.attributes.axis === 0 && table?.form === 'half')
      return this.emit('Cast', [this.emit('Gather', [table.name, second!], { axis: 0 })], {
        to: ONNX_TYPE.f32,
      })
    return undefined
  }

  /**
   * A parameter in the dtype that its users expect. A parameter that is declared f32 but held in 16
   * bits is unpacked. So is one that is declared f16, where the device knows no f16: its users look
   * rows up and cast them, which works on f32 too.
   */
  #unpacked({ attributes: { name, placement }, output: { id, dtype } }: Node<'Parameter'>): string {
    const form = this.#plan.get(id)?.form
    const held = form === 'half' || form === 'f16'
    const unknown = dtype === 'f16' && placement === 'frozen' && form === undefined && !this.#halves
    return unknown || (dtype === 'f32' && held) ? this.emit('Cast', [name], { to: ONNX_TYPE.f32 }) : name
  }

  /** Gives a value the name of an output. */
  name(output: string, value: Value): void {
    this.nodes.push({ opType: 'Identity', input: [this.#names.get(value.id)!], output: [output] })
  }

  emit(
    type: string,
    inputs: readonly string[],
    attributes: Record<string, AttributeValue> = {},
    domain = '',
  ): string {
    const output = `v${this.#count++}`
    const attribute = Object.entries(attributes).map(([name, value]) => attributeMessage(name, value))
    this.nodes.push({
      name: `${type}_${output}`,
      opType: type,
      domain,
      input: [...inputs],
      output: [output],
      attribute,
    })
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

  nothingOf(name: string): string {
    const known = this.#nothing.get(name)
    if (known !== undefined) return known
    const none = this.constant(i64([1], [0]))
    const made = this.emit('Slice', [this.emit('Shape', [name]), none, none])
    this.#nothing.set(name, made)
    return made
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
      return this.emit(
        'Gather',
        [this.emit('Shape', [symbol.name]), this.constant(i64([1], [symbol.axis]))],
        { axis: 0 },
      )
    }
    const terms = termsOf(dim).map(({ coefficient, symbols }) => {
      if (symbols.length === 1 && coefficient === 1 && symbols[0] === dim) throw freeSymbol(dim)
      return [coefficient, ...symbols]
        .map((factor) => this.#size(factor))
        .reduce((a, b) => this.emit('Mul', [a, b]))
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

function isStored(value: Value): boolean {
  const node = value.graph.producer(value)
  return isNode(node, 'Parameter') || isNode(node, 'Constant')
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
