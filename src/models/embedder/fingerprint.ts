/**
 * @file One hash of all that decides an embedder's vectors: it tells whether vectors of an earlier
 * run may be used again.
 */

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readFailure } from '../../foundation/files/errors.ts'
import { type Checkpoint, hashCheckpoint } from '../checkpoint/folder.ts'
import type { Contract } from './contract.ts'
import type { Readout } from './readout.ts'

/**
 * Bytes at the start of each tensor: training moves all of them, and sixteen gigabytes need not be
 * read.
 */
const SAMPLE = 1024

export interface FingerprintParts {
  contract: Contract
  /** All readouts: the contract's, then further vectors of the same pass. */
  readouts: readonly Readout[]
  checkpoint: Checkpoint
  /** An adapter's folder. */
  adapter: string | undefined
  /** Settings of the engine that decide numbers: device, precision. */
  engine: Readonly<Record<string, string | undefined>>
  /** A hash of weights that are in no file: an adapter in memory, a training, a random decoder. */
  state: string | undefined
}

/**
 * sha256, hexadecimal, of the contract (but not where its folders lie), all readouts,
 * config.json, every tensor's name, shape and first bytes, the adapter's files, and the state.
 * @throws FileError `file/read`
 */
export async function fingerprintOf({
  contract,
  readouts,
  checkpoint,
  adapter,
  engine,
  state,
}: FingerprintParts): Promise<string> {
  const { base: _base, adapter: _adapter, golden: _golden, ...deciding } = contract
  const hash = createHash('sha256').update(JSON.stringify([deciding, readouts, engine, state]))
  hash.update(await checkpointFingerprint(checkpoint))
  for (const file of adapter === undefined ? [] : await adapterFiles(adapter)) {
    hash.update(file)
    for await (const bytes of createReadStream(join(adapter ?? '', file))) hash.update(bytes)
  }
  return hash.digest('hex')
}

/**
 * sha256, hexadecimal, of config.json and of every tensor's name, shape and first bytes: cheap
 * enough to tell at each opening whether a base model is the one that an adapter was made for.
 * @throws FileError `file/read`
 */
export async function checkpointFingerprint({
  config,
  files,
  tensors,
}: Pick<Checkpoint, 'config' | 'files' | 'tensors'>): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(config))
  for (const file of files) {
    const handle = await open(file, 'r').catch((cause: unknown) => {
      throw readFailure(file, cause)
    })
    try {
      for (const { name, dtype, dims, file: holder, offset, byteLength } of tensors.values()) {
        if (holder !== file) continue
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(SAMPLE, byteLength)), {
          position: offset,
        })
        hash.update(JSON.stringify([name, dtype, dims])).update(buffer.subarray(0, bytesRead))
      }
    } finally {
      await handle.close()
    }
  }
  return hash.digest('hex')
}

/**
 * A hash of the same parts that reads every weight: for results that outlive a run.
 * @throws FileError `file/read`
 */
export async function contentHashOf(parts: FingerprintParts): Promise<string> {
  const hash = createHash('sha256').update(await fingerprintOf(parts))
  return hash.update(await hashCheckpoint(parts.checkpoint)).digest('hex')
}

async function adapterFiles(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch((cause: unknown) => {
    throw readFailure(dir, cause)
  })
  return names.filter((name) => /^adapter_/.test(name)).sort()
}
