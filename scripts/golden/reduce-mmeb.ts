/**
 * @file A fixture of an evaluation with fewer datasets. All that is kept equals the whole fixture;
 * averages stay where all their datasets do.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { loadSafetensors, writeSafetensors } from '../../src/models/checkpoint/safetensors.ts'
import { filesBelow } from '../../test/packed-folder.ts'

const schema = z.looseObject({
  presets: z.record(
    z.string(),
    z.looseObject({
      subsets: z.record(z.string(), z.unknown()),
      averages: z.record(z.string(), z.looseObject({ subsets: z.array(z.string()) })).optional(),
    }),
  ),
  eval_v2: z.array(z.string()),
  eval_zip: z.array(z.string()),
})

/**
 * @param names of the datasets that are kept, with all training rows and damaged folders
 * @returns the files of the reduced fixture by their paths
 */
export async function reducedMmeb(dir: string, names: readonly string[]): Promise<Map<string, Uint8Array>> {
  const whole = schema.parse(JSON.parse(await readFile(join(dir, 'expected.json'), 'utf8')))
  const isKept = (name: string) => names.includes(name)
  const presets = Object.entries(whole.presets).map(([preset, { subsets, averages, ...rest }]) => [
    preset,
    {
      ...rest,
      subsets: Object.fromEntries(Object.entries(subsets).filter(([name]) => isKept(name))),
      ...(averages && {
        averages: Object.fromEntries(
          Object.entries(averages).filter(([, { subsets: own }]) => own.every(isKept)),
        ),
      }),
    },
  ])
  const left = {
    ...whole,
    presets: Object.fromEntries(presets),
    eval_v2: whole.eval_v2.filter(isKept),
    eval_zip: whole.eval_zip.filter(isKept),
  }
  const files: Map<string, Uint8Array> = filesBelow(dir)
  files.delete('README.md')
  for (const path of [...files.keys()]) {
    const [, name] = /^eval(?:-v2|-zip)?\/(?:images\/)?([^/]+)\//.exec(path) ?? []
    if (name !== undefined && !isKept(name)) files.delete(path)
  }
  files.set('expected.json', Buffer.from(`${JSON.stringify(left)}\n`))
  const tensors = await loadSafetensors(join(dir, 'expected.safetensors'))
  const kept = [...tensors].filter(([key]) => isKept(key.split('/')[1] ?? ''))
  const temporary = await mkdtemp(join(tmpdir(), 'bifocal-golden-'))
  try {
    await writeSafetensors(join(temporary, 'expected.safetensors'), Object.fromEntries(kept))
    files.set('expected.safetensors', await readFile(join(temporary, 'expected.safetensors')))
  } finally {
    await rm(temporary, { recursive: true })
  }
  return files
}
