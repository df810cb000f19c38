/**
 * @file A graph of typed values. Operators append nodes; equal nodes are shared; shapes are checked
 * as they are added.
 */

import { type DType, f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { Dim } from './dims.ts'
import { GraphError } from './errors.ts'
import type { Op, OpAttributes } from './op.ts'

/** The result of one node: dtype and symbolic dims are known while the model is described. */
export interface Value<T extends DType = DType> {
  readonly graph: Graph
  /** Position in `graph.nodes`: inputs come before their users. */
  readonly id: number
  readonly dtype: T
  readonly dims: readonly Dim[]
}

/** One operator applied to values. */
export interface Node<O extends Op = Op> {
  readonly op: O
  readonly inputs: readonly Value[]
  readonly attributes: OpAttributes[O]
  readonly output: Value
}

/** Whether a node applies `op`; tells the type of its attributes. */
export function isNode<O extends Op>(node: Node, op: O): node is Node<O> {
  return node.op === op
}

/**
 * Where a parameter lives when the graph runs: an initializer that the engine packs, or an array
 * fed at each run (trainable weights).
 */
export type ParameterPlacement = OpAttributes['Parameter']['placement']

/** A part of the graph whose inner values the backward pass computes anew: see `recomputed`. */
export interface Segment {
  readonly input: Value
  readonly output: Value
  /** The segment's own nodes are `first … output.id`. */
  readonly first: number
}

export class Graph {
  readonly nodes: Node[] = []
  /** By the id of their output. */
  readonly segments = new Map<number, Segment>()
  readonly outputs = new Map<string, Value>()
  readonly #shared = new Map<string, Value>()
  readonly #names = new Map<string, Value>()

  /** An array that each run brings, e.g. `graph.input('input_ids', 'i64', ['batch', 'seq'])`. */
  input<T extends DType>(name: string, dtype: T, dims: readonly Dim[]): Value<T> {
    return this.#named(name, dtype, dims, () => this.apply('Input', [], { name }, dtype, dims))
  }

  /** A weight. The same name twice gives the same value; with other dims it is an error. */
  parameter<T extends DType>(
    name: string,
    dtype: T,
    dims: readonly number[],
    placement: ParameterPlacement = 'frozen',
  ): Value<T> {
    return this.#named(name, dtype, dims, () => this.apply('Parameter', [], { name, placement }, dtype, dims))
  }

  /** A fixed array inside the graph. */
  constant<T extends DType>(value: Tensor<T>): Value<T> {
    const key =
      value.data.length <= 16
        ? `Constant ${value.dtype} [${value.dims}] ${Array.from(value.data, printed)}`
        : undefined
    const known = key === undefined ? undefined : this.#shared.get(key)
    if (known !== undefined && hasDType(known, value.dtype)) return known
    const added = this.#append('Constant', [], { tensor: value }, value.dtype, value.dims)
    if (key !== undefined) this.#shared.set(key, added)
    return added
  }

  /** A scalar constant. */
  scalar(value: number): Value<'f32'> {
    return this.constant(f32([], [value]))
  }

  /** Names a value as a result. A name may be used once. */
  output(name: string, value: Value): void {
    if (this.outputs.has(name)) {
      throw new GraphError('output-name', {
        message: `output ${name} is declared twice`,
        hint: 'Give each output its own name.',
      })
    }
    this.outputs.set(name, value)
  }

  /** The node that makes `value`. */
  producer(value: Value): Node {
    return this.nodes[value.id]!
  }

  /**
   * Appends a node, or returns the equal one that is there already. Operators call it; models call
   * operators.
   */
  apply<O extends Exclude<Op, 'Constant'>, T extends DType>(
    op: O,
    inputs: readonly Value[],
    attributes: OpAttributes[O],
    dtype: T,
    dims: readonly Dim[],
  ): Value<T> {
    for (const input of inputs) {
      if (input.graph !== this) {
        throw new GraphError('other-graph', {
          message: `${op}: an input belongs to another graph`,
          hint: 'Build all values of a model in one graph.',
        })
      }
    }
    return this.#joined(op, inputs, attributes, dtype, dims)
  }

  /** The operator of `node` on other inputs, which have the dtypes and dims of its own. */
  repeat({ op, attributes, output: { dtype, dims } }: Node, inputs: readonly Value[]): Value {
    return this.#joined(op, inputs, attributes, dtype, dims)
  }

  #joined<O extends Op, T extends DType>(
    op: O,
    inputs: readonly Value[],
    attributes: OpAttributes[O],
    dtype: T,
    dims: readonly Dim[],
  ): Value<T> {
    const key = `${op} ${inputs.map((input) => input.id)} ${JSON.stringify(attributes)}`
    const known = this.#shared.get(key)
    if (known !== undefined && hasDType(known, dtype)) return known
    const added = this.#append(op, inputs, attributes, dtype, dims)
    this.#shared.set(key, added)
    return added
  }

  #append<O extends Op, T extends DType>(
    op: O,
    inputs: readonly Value[],
    attributes: OpAttributes[O],
    dtype: T,
    dims: readonly Dim[],
  ): Value<T> {
    const output: Value<T> = { graph: this, id: this.nodes.length, dtype, dims }
    const node: Node<O> = { op, inputs, attributes, output }
    this.nodes.push(node)
    return output
  }

  #named<T extends DType>(name: string, dtype: T, dims: readonly Dim[], make: () => Value<T>): Value<T> {
    const known = this.#names.get(name)
    if (known === undefined) {
      const value = make()
      this.#names.set(name, value)
      return value
    }
    if (!hasDType(known, dtype) || known.dims.join() !== dims.join()) {
      throw new GraphError('name', {
        message: `${name} is declared as ${known.dtype} [${known.dims}] and again as ${dtype} [${dims}]`,
        hint: 'One name stands for one array.',
      })
    }
    return known
  }
}

function hasDType<T extends DType>(value: Value, dtype: T): value is Value<T> {
  return value.dtype === dtype
}

function printed(element: number | bigint): string {
  return Object.is(element, -0) ? '-0' : String(element)
}
