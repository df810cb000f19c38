/** @file One machine's part of a run, and the parts put together. */

import { createReadStream, existsSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { z } from 'zod'
import { readJson, writeFileAtomic } from '../../../foundation/files/file.ts'
import type { Shard } from '../../../models/embedder/vectors/storing.ts'
import { BenchmarkError } from '../errors.ts'
import type { ItemFailure } from '../suites/suite.ts'
import { type RunSetting, runFiles, settingSchema } from './files.ts'
import type { Failures } from './opening.ts'

const FILE = 'shard.json'
const count = z.int().min(1)

const shardSchema = z.strictObject({
  shard: z.strictObject({ index: count, of: count }),
  /** By it, whoever merges the shards opens models and tasks again. */
  asked: z.json(),
  /** Where its vectors lie, from its folder; absent: in it. */
  store: z.string().optional(),
  /** Items that this machine could not embed: model → key → why. */
  failures: z.record(
    z.string(),
    z.record(z.string(), z.strictObject({ code: z.string(), message: z.string(), hint: z.string() })),
  ),
})

interface FinishedShard {
  shard: Shard
  failures: Failures
  asked: unknown
  store?: string | undefined
}

/** Says that all vectors of a shard are there. */
export async function writeShard(
  out: string,
  { shard, failures, asked, store }: FinishedShard,
): Promise<void> {
  const plain = Object.fromEntries([...failures].map(([model, own]) => [model, Object.fromEntries(own)]))
  const text = JSON.stringify(shardSchema.parse({ shard, asked, store, failures: plain }), undefined, 2)
  await writeFileAtomic(join(out, FILE), `${text}\n`)
}

/** Shards that belong together. */
export interface Shards {
  readonly setting: RunSetting
  readonly asked: unknown
  readonly failures: Failures
}

/**
 * Reads the shards of a run.
 * @throws BenchmarkError `benchmark/run` for a folder that is no finished shard,
 *   `benchmark/foreign-shard`, `benchmark/shard-twice`, `benchmark/missing-shard`; FileError
 */
export async function readShards(folders: readonly string[]): Promise<Shards> {
  const read = await Promise.all(folders.map(readShard))
  const [first] = read
  if (first === undefined) {
    throw new BenchmarkError('missing-shard', {
      message: 'no shards to merge',
      hint: 'Name the folder of each shard: bifocal merge-runs SHARD… --out RUN',
    })
  }
  const known = new Map<number, string>()
  for (const { folder, setting, shard } of read) {
    if (shard.of !== first.shard.of || JSON.stringify(setting) !== JSON.stringify(first.setting)) {
      throw new BenchmarkError('foreign-shard', {
        message: `${folder} is shard ${shard.index} of ${shard.of} of another run than ${first.folder}`,
        hint: 'Run all shards with the same command, but for --shard and --out.',
      })
    }
    const other = known.get(shard.index)
    if (other !== undefined) {
      throw new BenchmarkError('shard-twice', {
        message: `${folder} and ${other} are both shard ${shard.index} of ${shard.of}`,
        hint: 'Name each shard once.',
      })
    }
    known.set(shard.index, folder)
  }
  const absent = Array.from({ length: first.shard.of }, (_, i) => i + 1).filter((index) => !known.has(index))
  if (absent.length > 0) {
    throw new BenchmarkError('missing-shard', {
      message: `of ${first.shard.of} shards, ${absent.join(', ')} ${absent.length === 1 ? 'is' : 'are'} missing`,
      hint: 'Run these shards to their end, and name their folders too.',
    })
  }
  return {
    setting: first.setting,
    asked: first.asked,
    failures: joined(read.map(({ failures }) => failures)),
  }
}

interface ReadShard extends FinishedShard {
  folder: string
  setting: RunSetting
}

async function readShard(folder: string): Promise<ReadShard> {
  if (!existsSync(join(folder, FILE))) {
    throw new BenchmarkError('run', {
      message: `${folder} is no finished shard of a run: it has no ${FILE}`,
      hint: 'Start its `bifocal eval … --shard i/n` again: it goes on where it stopped.',
    })
  }
  const { shard, asked, failures } = await readJson(join(folder, FILE), shardSchema)
  const setting = await readJson(join(folder, runFiles.setting), settingSchema)
  const own = new Map(
    Object.entries(failures).map(([model, all]) => [
      model,
      new Map<string, ItemFailure>(Object.entries(all)),
    ]),
  )
  return { folder, setting, shard, asked, failures: own }
}

function joined(all: readonly Failures[]): Failures {
  const made = new Map<string, Map<string, ItemFailure>>()
  for (const failures of all)
    for (const [model, own] of failures) made.set(model, new Map([...(made.get(model) ?? []), ...own]))
  return made
}

/**
 * Copies the stored vectors of a shard; those that are there already stay, unless they are shorter:
 * such a file is damaged.
 */
export async function copyVectors(shard: string, out: string): Promise<void> {
  const { store } = await readJson(join(shard, FILE), shardSchema)
  const from = store === undefined ? join(shard, runFiles.vectors) : resolve(shard, store)
  const entries = existsSync(from) ? await readdir(from, { recursive: true, withFileTypes: true }) : []
  // The list of a chunk is copied after its vectors: a kill between the two costs this chunk alone.
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  for (const file of files.sort((a, b) => Number(a.endsWith('.jsonl')) - Number(b.endsWith('.jsonl')))) {
    const target = join(out, runFiles.vectors, relative(from, file))
    if (existsSync(target) && statSync(target).size >= statSync(file).size) continue
    await writeFileAtomic(target, createReadStream(file))
  }
}
