/** @file Flags that say how models are loaded and read out: those of `embed` and `eval`. */

import { z } from 'zod'
import type { LoadOptions } from '../models/embedder/subject.ts'
import type { CommandBuilder } from './command.ts'
import * as flags from './flags.ts'

/** The command with these flags. */
export function withLoadFlags<Given>(command: CommandBuilder<Given>) {
  return command
    .option(
      '--preset <name>',
      'prompt and readout of a published embedder; default: by the name of the model; or none',
      flags.preset,
    )
    .option('--pool <kind>', 'how positions become one vector: last, mean, mean-text, … ', flags.pool)
    .option(
      '--layer <n>',
      'the state after decoder layer N, counted from 0; "inputs", the state before the first; or "last"',
      flags.layer,
    )
    .option(
      '--attention <kind>',
      'native, causal, bidirectional, or block: within and before blocks',
      flags.attention,
    )
    .option('--block-size <n>', "positions of a block; default: as the model's config says", flags.count)
    .option('--dims <n>', 'leading elements to keep, at unit length again', flags.count)
    .option('--truncate <kind>', 'too long an item: error, or cut as the reference does', flags.truncation)
    .option(
      '--adapter <adapter>',
      'a PEFT adapter: a folder, or ORG/NAME[@REVISION]; or none',
      z.string().optional(),
    )
    .option(
      '--adapter-mode <mode>',
      'live, or merged: its weights are made once, faster and with more memory; default live',
      flags.adapterMode,
    )
    .option('--device <device>', 'cpu, webgpu or cuda; default cpu', flags.device)
    .option(
      '--dtype <dtype>',
      "f32; f16: half the memory, on a GPU faster; int8: faster on the CPU; default: the model's contract, else f32",
      flags.dtype,
    )
    .option('--threads <n>', 'default: BIFOCAL_THREADS, else as many as the machine has', flags.threads)
    .option('--memory <mode>', 'fast, or low: half the memory of f16 weights, slower', flags.memory)
}

/** The values of these flags, also where they are read from a file. */
export const loadFlagsSchema = z.strictObject({
  preset: flags.preset,
  pool: flags.pool,
  layer: z.union([z.literal('last'), z.literal('inputs'), z.int().min(0)]).optional(),
  attention: flags.attention,
  blockSize: z.int().min(1).optional(),
  dims: z.int().min(1).optional(),
  truncate: flags.truncation,
  adapter: z.string().optional(),
  adapterMode: flags.adapterMode,
  device: flags.device,
  dtype: flags.dtype,
  threads: z.int().min(1).optional(),
  memory: flags.memory,
})
export type LoadFlags = z.infer<typeof loadFlagsSchema>

/** The flags as options of the library; `dims` is the caller's. */
export function loadOptionsOf({ pool, layer, truncate, ...rest }: LoadFlags) {
  const { preset, attention, blockSize, adapter, adapterMode, device, dtype, threads, memory } = rest
  // A layer within the decoder has states that no final norm was applied to.
  const norm = layer === undefined || layer === 'last' ? undefined : 'before'
  return {
    preset,
    attention,
    blockSize,
    truncation: truncate,
    adapter,
    adapterMode,
    device,
    dtype,
    threads,
    memory,
    readout: { layer, pool, norm },
  } as const satisfies LoadOptions
}
