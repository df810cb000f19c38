/** @file The border to ONNX Runtime: the only module that imports `onnxruntime-node`. */

// First: the engine reads the environment when it is loaded.
import './telemetry.ts'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { readBytes } from '../../foundation/files/file.ts'
import type { DType, Tensor, TensorArrays } from '../../foundation/numeric/tensor.ts'
import { engineFailure, RuntimeError } from './errors.ts'

/** The settings of an engine: plain data, which can be sent to a worker. */
export interface EnginePlan {
  /**
   * The bytes of an ONNX model, whose external data are `buffers`; or the path of a model file,
   * whose external data lie beside it and are mapped.
   */
  model: Uint8Array | string
  /** External data by location: the bytes themselves, or a file to read whole. */
  buffers: { location: string; source: Uint8Array | string }[]
  providers: string[]
  /** Threads within one operator. */
  threads: number
  /** Names the session in the engine's log. */
  name: string
}

/**
 * A running ONNX Runtime session, in this thread or in a worker. It does one run at a time.
 */
export interface Engine {
  /** @param outputs names of the results to compute; nothing else is returned */
  run(feeds: Record<string, Tensor>, outputs: readonly string[]): Promise<Record<string, Tensor>>
  close(): Promise<void>
}

type OrtType = Exclude<OrtTensor.Type, 'string'>

/** Element types that the JavaScript API can carry; bfloat16 is not among them. */
const ORT_TYPE: { readonly [T in DType]: OrtType | undefined } = {
  f32: 'float32',
  f16: 'float16',
  bf16: undefined,
  i64: 'int64',
  i32: 'int32',
  i8: 'int8',
  u8: 'uint8',
  bool: 'bool',
}

/** Whether arrays of `dtype` can be fed to and read from a session. */
export function crossesBorder(dtype: DType): boolean {
  return ORT_TYPE[dtype] !== undefined
}

/**
 * Starts ONNX Runtime in this thread. `run` blocks the thread's event loop while it computes.
 * @throws RuntimeError `runtime/engine`, `runtime/no-adapter`, `runtime/memory`; FileError
 *   `file/missing`, `file/read`
 */
export async function startEngine(plan: EnginePlan): Promise<Engine> {
  const externalData = await Promise.all(
    plan.buffers.map(async ({ location, source }) => ({
      path: location,
      data: typeof source === 'string' ? await readBytes(source) : source,
    })),
  )
  const options: InferenceSession.SessionOptions = {
    executionProviders: plan.providers,
    intraOpNumThreads: plan.threads,
    interOpNumThreads: 1,
    // With it, the engine would lay out all activations in one block when inputs of a shape come
    // for the second time, beside the memory of the first run (a tuning step of 12 layers: 1.6 GB
    // instead of 0.8).
    enableMemPattern: false,
    logSeverityLevel: 3,
    logId: plan.name,
    ...(externalData.length > 0 && { externalData }),
  }
  const session = await guarded(() =>
    typeof plan.model === 'string'
      ? InferenceSession.create(plan.model, options)
      : InferenceSession.create(plan.model, options),
  )
  return {
    async run(feeds, outputs) {
      const converted: Record<string, OrtTensor> = {}
      for (const [name, value] of Object.entries(feeds)) converted[name] = toOrt(name, value)
      const results = await guarded(() => session.run(converted, [...outputs], { logSeverityLevel: 3 }))
      return Object.fromEntries(outputs.map((name) => [name, fromOrt(name, results[name])]))
    },
    close: () => guarded(() => session.release()),
  }
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw engineFailure(error)
  }
}

function toOrt(name: string, { dtype, dims, data }: Tensor): OrtTensor {
  const type = ORT_TYPE[dtype]
  if (type === undefined) {
    throw new RuntimeError('dtype', {
      message: `${name}: ${dtype} arrays can't be fed to ONNX Runtime from JavaScript`,
      hint: 'Feed f32 and cast inside the graph, or make it a frozen parameter.',
    })
  }
  // The table above pairs each type name with its array; the constructor's overloads cannot see it.
  return new OrtTensor(type as 'float32', data as Float32Array, dims)
}

function fromOrt(name: string, value: OrtTensor | undefined): Tensor {
  const dtype = DTYPES.find((candidate) => ORT_TYPE[candidate] === value?.type)
  if (value === undefined || dtype === undefined) {
    throw new RuntimeError('dtype', {
      message: `output ${name} has the type ${value?.type ?? 'none'}, which has no counterpart here`,
      hint: 'Cast it inside the graph to f32 or i64.',
    })
  }
  const { data, dims } = value
  // Where the platform has Float16Array, f16 results come back as numbers; a `Tensor` has raw bits.
  const bits =
    dtype === 'f16'
      ? new Uint16Array((data as Uint16Array).buffer, (data as Uint16Array).byteOffset, data.length)
      : data
  return { dtype, dims, data: bits as TensorArrays[DType] }
}

const DTYPES = Object.keys(ORT_TYPE) as DType[]
