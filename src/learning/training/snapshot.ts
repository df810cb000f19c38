/**
 * @file The saved state of a training: one file a snapshot, so that it exists whole or not at all;
 * the last two are kept.
 */

import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { FileError } from '../../foundation/files/errors.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { CheckpointError } from '../../models/checkpoint/errors.ts'
import { loadSafetensors, openSafetensors, writeSafetensors } from '../../models/checkpoint/safetensors.ts'
import { hashArrays } from './arrays.ts'
import { TrainingError } from './errors.ts'
import type { Identity } from './identity.ts'

/** The state that the next step depends on, beside its index. */
export interface Snapshot {
  /** Updates done. */
  step: number
  /** Everything that the steps of the run depend on. */
  identity: Identity
  parameters: Readonly<Record<string, Tensor>>
  optimizer: Readonly<Record<string, Tensor>>
}

const KEPT = 2
const NAME = /^step-(\d+)\.safetensors$/

/** Path of the snapshot after `step` updates. */
export function snapshotPath(dir: string, step: number): string {
  return join(dir, `step-${String(step).padStart(8, '0')}.safetensors`)
}

/**
 * Writes `step-<step>.safetensors`: tensors `parameter/<name>` and `optimizer/<name>`, metadata
 * `step`, `identity` and `sha256`, the hash of the tensors. Older ones but one are removed.
 * @throws FileError `file/disk-full`, `file/write`: then the snapshots before are untouched
 */
export async function saveSnapshot(
  dir: string,
  { step, identity, parameters, optimizer }: Snapshot,
): Promise<void> {
  const tensors = { ...prefixed('parameter/', parameters), ...prefixed('optimizer/', optimizer) }
  await writeSafetensors(snapshotPath(dir, step), tensors, {
    step: String(step),
    identity: JSON.stringify(identity),
    sha256: hashArrays(tensors),
  })
  for (const old of (await snapshotSteps(dir)).slice(KEPT)) await rm(snapshotPath(dir, old), { force: true })
}

/**
 * Finds the newest snapshot that can be read. Passes over damaged ones with a warning.
 * @throws TrainingError `training/snapshots` when there are some and none can be read
 */
export async function latestSnapshot(
  dir: string,
  warn: (message: string) => void = () => {},
): Promise<Snapshot | undefined> {
  const failures: (CheckpointError | FileError | TrainingError)[] = []
  for (const step of await snapshotSteps(dir)) {
    try {
      const snapshot = await readSnapshot(snapshotPath(dir, step), step)
      for (const { message } of failures)
        warn(`${message}; going on from the snapshot before, after step ${step}`)
      return snapshot
    } catch (error) {
      if (!(error instanceof CheckpointError || error instanceof FileError || error instanceof TrainingError))
        throw error
      failures.push(error)
    }
  }
  const [cause] = failures
  if (cause === undefined) return undefined
  throw new TrainingError('snapshots', {
    message: `${dir} holds no whole snapshot to go on from: ${failures.map(({ message }) => message).join('; ')}`,
    hint: `Delete the folder ${dir}: the training then starts anew.`,
    cause,
  })
}

async function readSnapshot(path: string, step: number): Promise<Snapshot> {
  const { metadata } = await openSafetensors(path)
  const tensors = await loadSafetensors(path)
  // Snapshots of releases before this one have no hash.
  if (metadata.sha256 !== undefined && metadata.sha256 !== hashArrays(Object.fromEntries(tensors)))
    throw new TrainingError('snapshots', {
      message: `${path}: its values are not those that were written`,
      hint: 'Delete the file: the training goes on from the snapshot before.',
    })
  return {
    step,
    identity: identityIn(metadata.identity ?? '{}'),
    parameters: under('parameter/', tensors),
    optimizer: under('optimizer/', tensors),
  }
}

/** An identity that is no JSON object has one key. */
function identityIn(text: string): Identity {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text))
  } catch {
    return { identity: text }
  }
}

/** Newest first. */
async function snapshotSteps(dir: string): Promise<number[]> {
  if (!existsSync(dir)) return []
  const steps = (await readdir(dir)).flatMap((name) => NAME.exec(name)?.[1] ?? [])
  return steps.map(Number).sort((a, b) => b - a)
}

function prefixed(prefix: string, arrays: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(arrays).map(([name, value]) => [prefix + name, value]))
}

function under(prefix: string, tensors: ReadonlyMap<string, Tensor>): Record<string, Tensor> {
  return Object.fromEntries(
    [...tensors].flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  )
}
