/**
 * @file A reference fixture with fewer cases. Weights and tokenizers stay to the byte, and so does
 * every expected tensor that is kept; no stage of the whole fixture gets lost.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { loadSafetensors, writeSafetensors } from '../../src/models/checkpoint/safetensors.ts'
import { filesBelow } from '../../test/packed-folder.ts'

/** The parts of a model fixture that are kept, by name. */
export interface Kept {
  readonly cases: readonly string[]
  /** Of `masked_diffusion_loss`, where that is a list, and of `block_diffusion_loss`. */
  readonly losses?: readonly string[]
  /** Stages that may get lost. */
  readonly without?: readonly string[]
}

const stages = z.record(z.string(), z.string()).optional()
const lossCase = z.looseObject({
  name: z.string(),
  u: z.string().optional(),
  u_block: z.string().optional(),
  u_token: z.string().optional(),
  expect: z.looseObject({ gradients: z.record(z.string(), z.string()) }),
})
const fixtureSchema = z.looseObject({
  cases: z.array(
    z.looseObject({
      name: z.string(),
      expect: z.looseObject({
        stages,
        causal: stages,
        bidirectional: stages,
        unmasked: z.string().nullish(),
        rows: z.array(z.string()).optional(),
      }),
    }),
  ),
  masked_diffusion_loss: z.union([z.array(lossCase), z.looseObject({})]).optional(),
  block_diffusion_loss: z.array(lossCase).optional(),
})
type Fixture = z.infer<typeof fixtureSchema>

/**
 * @param kept default: all cases; only pictures that no case names are left out then
 * @returns the files of the reduced fixture by their paths
 * @throws Error when a case that is to be kept is not there, or a stage would get lost
 */
export async function reducedFixture(dir: string, kept: Kept | undefined): Promise<Map<string, Uint8Array>> {
  const files: Map<string, Uint8Array> = filesBelow(dir)
  files.delete('README.md')
  let text = await readFile(join(dir, 'cases.json'), 'utf8')
  if (kept !== undefined) {
    const whole = fixtureSchema.parse(JSON.parse(text))
    const fixture = withCases(whole, kept)
    const lost = [...stagesOf(whole)].filter(
      (stage) => !stagesOf(fixture).has(stage) && !kept.without?.includes(stage),
    )
    if (lost.length > 0) throw new Error(`${dir}: no case that is kept has the stages ${lost.join(', ')}`)
    text = `${JSON.stringify(fixture, undefined, 1)}\n`
    files.set('cases.json', Buffer.from(text))
    files.set('expected.safetensors', await expectedOf(dir, fixture))
  }
  for (const file of files.keys())
    if (file.startsWith('images/') && !text.includes(JSON.stringify(file.slice('images/'.length))))
      files.delete(file)
  return files
}

function withCases(whole: Fixture, { cases: names, losses }: Kept): Fixture {
  const absent = names.filter((name) => !whole.cases.some((at) => at.name === name))
  if (absent.length > 0) throw new Error(`the fixture has no case ${absent.join(', ')}`)
  const diffusion = whole.masked_diffusion_loss
  return {
    ...whole,
    // A row can equal its case only where that case is kept.
    cases: whole.cases
      .filter(({ name }) => names.includes(name))
      .map((at) => {
        const { rows, ...expect } = at.expect
        return rows?.every((name) => names.includes(name)) ? at : { ...at, expect }
      }),
    masked_diffusion_loss: Array.isArray(diffusion)
      ? diffusion.filter(({ name }) => losses?.includes(name))
      : diffusion,
    block_diffusion_loss: whole.block_diffusion_loss?.filter(({ name }) => losses?.includes(name)),
  }
}

/** The losses that are listed by name. */
function lossCases({ masked_diffusion_loss: masked, block_diffusion_loss: blocks = [] }: Fixture) {
  return [...(Array.isArray(masked) ? masked : []), ...blocks]
}

/** Names of all stages; those under another attention mask have names of their own. */
function stagesOf(fixture: Fixture): Set<string> {
  return new Set([
    ...fixture.cases.flatMap(
      ({ expect: { stages: native = {}, causal = {}, bidirectional = {}, unmasked } }) => [
        ...Object.keys(native),
        ...Object.keys(causal).map((stage) => `causal/${stage}`),
        ...Object.keys(bidirectional).map((stage) => `bidirectional/${stage}`),
        ...(typeof unmasked === 'string' ? ['unmasked'] : []),
      ],
    ),
    ...(lossCases(fixture).length > 0 ? ['loss'] : []),
  ])
}

/** The expected tensors that the cases and losses which are kept name. */
async function expectedOf(dir: string, fixture: Fixture): Promise<Uint8Array> {
  const { cases, masked_diffusion_loss: losses } = fixture
  const named = new Set<unknown>([
    ...cases.flatMap(
      ({ name, expect: { stages: native = {}, causal = {}, bidirectional = {}, unmasked } }) => [
        ...Object.values(native),
        ...Object.values(causal),
        ...Object.values(bidirectional),
        unmasked,
        `decode/${name}`,
      ],
    ),
    ...lossCases(fixture).flatMap(({ u, u_block, u_token, expect }) => [
      u,
      u_block,
      u_token,
      ...Object.values(expect.gradients),
    ]),
  ])
  // MMaDA has one loss, whose tensors no case names.
  const ofOneLoss = (key: string) => losses !== undefined && !Array.isArray(losses) && key.startsWith('loss/')
  const tensors = await loadSafetensors(join(dir, 'expected.safetensors'))
  const left = [...tensors].filter(([key]) => named.has(key) || ofOneLoss(key))
  const decoded = (keys: readonly string[]) => keys.some((key) => key.startsWith('decode/'))
  if (decoded([...tensors.keys()]) && !decoded(left.map(([key]) => key)))
    throw new Error(`${dir}: no case that is kept has its picture decoded`)
  const temporary = await mkdtemp(join(tmpdir(), 'bifocal-golden-'))
  try {
    await writeSafetensors(join(temporary, 'expected.safetensors'), Object.fromEntries(left))
    return await readFile(join(temporary, 'expected.safetensors'))
  } finally {
    await rm(temporary, { recursive: true })
  }
}
