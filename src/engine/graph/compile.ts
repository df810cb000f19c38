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
import { encodeNode, type encoders, type NodeWriter } from './encoders.ts'
import { GraphError } from './errors.ts'
import { type Fusion, findFusions } from './fusion.ts'
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
import { isLinear, type PrecisionPlan, planPrecision } from './precision.ts'
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
      const writer = new ModelWriter(inputs, plan, fusions, { halves, signedWeights })
      const written = reachable(
        graph,
        results.map(([, value]) => value),
        fusions,
      )
      for (const node of weightsFirst(written)) writer.write(node)
      for (const [name, value] of results) writer.name(name, value)
      return modelBytes(
        { inputs, outputs: slots, weights, constants: writer.constants, nodes: writer.nodes },
        place,
      )
    },
  }
}

type Fusions = ReadonlyMap<number, Fusion>

/** The nodes that `values` need, inputs before their users. */
export function reachable(graph: Graph, values: readonly Value[], fusions: Fusions = new Map()): Node[] {
  const needed = new Set<number>()
  const open = values.map(({ id }) => id)
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (needed.has(id)) continue
    needed.add(id)
    for (const input of (fusions.get(id) ?? graph.nodes[id]!).inputs) open.push(input.id)
  }
  return graph.nodes.filter((_, id) => needed.has(id))
}

/**
 * The same nodes in an order that saves memory: nodes that read only weights come first, and inputs
 * still come before their users. The engine walks from the outputs back, and from a node it visits
 * the input first that was written last. If a layer's weight were unpacked after the layer's input,
 * the engine would unpack all weights before the first layer runs: the whole model in f32 at once.
 */
function weightsFirst(nodes: readonly Node[]): Node[] {
  const constant = new Set<number>()
  const ofWeights = new Set<number>()
  for (const node of nodes) {
    if (isNode(node, 'Constant')) constant.add(node.output.id)
    const known = node.inputs.every(({ id }) => ofWeights.has(id) || constant.has(id))
    if (isNode(node, 'Parameter') || (known && node.inputs.some(({ id }) => ofWeights.has(id))))
      ofWeights.add(node.output.id)
  }
  const early = (node: Node) => constant.has(node.output.id) || ofWeights.has(node.output.id)
  return [...nodes.filter(early), ...nodes.filter((node) => !early(node))]
}

/** Writes nodes one after the other and remembers the name of each value. */
class ModelWriter implements NodeWriter {
  readonly nodes: NodeMessage[] = []
  readonly constants: TensorMessage[] = []
  readonly #names = new Map<number, string>()
  readonly #sizes = new Map<Dim, string>()
  readonly #inputs: readonly FeedSlot[]
  readonly #plan: PrecisionPlan
  readonly #fusions: Fusions
  readonly #halves: boolean
  readonly #linears: ReducedLinears
  #count = 0

  constructor(
    inputs: readonly FeedSlot[],
    plan: PrecisionPlan,
    fusions: Fusions,
    { halves, signedWeights }: Pick<Required<EncodeOptions>, 'halves' | 'signedWeights'>,
  ) {
    this.#inputs = inputs
    this.#plan = plan
    this.#fusions = fusions
    this.#halves = halves
    this.#linears = new ReducedLinears(this, signedWeights)
  }

  write(node: Node): void {
    const { id } = node.output
    if (isNode(node, 'Input')) this.#names.set(id, node.attributes.name)
    else if (isNode(node, 'Parameter')) this.#names.set(id, this.#unpacked(node))
    else if (isWritten(node)) {
      const fusion = this.#fusions.get(id)
      const inputs = (fusion ?? node).inputs.map((input) => this.#names.get(input.id)!)
      this.#names.set(
        id,
        fusion?.write(inputs, this) ?? this.#changed(node, inputs) ?? encodeNode(node, inputs, this),
      )
    }
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

function isWritten(node: Node): node is Node<keyof typeof encoders> {
  return !isNode(node, 'Input') && !isNode(node, 'Parameter')
}

function freeSymbol(dim: Dim): GraphError {
  return new GraphError('free-symbol', {
    message: `no input has an axis of size ${dim}`,
    hint: 'Declare an input with that dimension, or use a number.',
  })
}
