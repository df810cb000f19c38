/**
 * @file Verifies the parts of MMaDA's fixtures that are no cases: pictures decoded from codes, and
 * the loss of multimodal understanding with its gradients.
 * @see specs/mmada.md §3.4, §6.2
 */

import { z } from 'zod'
import { compile } from '../../engine/graph/compile.ts'
import { Graph } from '../../engine/graph/graph.ts'
import { rootScope } from '../../engine/nn/scope.ts'
import { openSession } from '../../engine/runtime/session.ts'
import { f32, i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import { lossFeeds, maskedDiffusionLoss } from '../../learning/pretraining/masked-diffusion.ts'
import { parseMmadaConfig } from '../../models/families/mmada/config.ts'
import { decodeImage, signsOf } from '../../models/families/mmada/image-tokenizer.ts'
import { IMAGE_TOKENIZER } from '../../models/families/mmada/weights.ts'
import { checkpointWeights } from '../../models/families/weights.ts'
import { VerifyError } from './errors.ts'
import { lossAndGradients } from './loss-gradients.ts'
import type { FixtureContext } from './model.ts'

const DECODED = 'decode/'

/**
 * Compares each `decode/<case>`: the picture that the case's codes stand for. Does nothing for a
 * fixture without such tensors.
 */
export async function verifyImageDecoder({
  fixture,
  checkpoint,
  model,
  device,
  recorder,
}: FixtureContext): Promise<void> {
  const keys = [...fixture.expected.keys()].filter((key) => key.startsWith(DECODED))
  if (keys.length === 0) return
  const { imageDecoder } = parseMmadaConfig(checkpoint.config)
  const codesOf = (key: string) =>
    fixture.cases.find(({ name }) => `${DECODED}${name}` === key)?.expect.image_codes ?? []
  // All pictures of this family are squares of one size.
  const side = Math.sqrt(codesOf(keys[0]!)[0]?.length ?? 0)
  const graph = new Graph()
  const signs = graph.input('signs', 'f32', ['views', imageDecoder.bits, side, side])
  graph.output('image', decodeImage(rootScope(graph).under(IMAGE_TOKENIZER), imageDecoder, signs))
  const weights = checkpointWeights(checkpoint, model.weightSpellings)
  const session = await openSession(compile(graph), {
    weights,
    device,
    thread: 'caller',
    name: 'image decoder',
  })
  try {
    for (const key of keys) {
      const at = fixture.cases.find(({ name }) => `${DECODED}${name}` === key)
      const codes = codesOf(key)
      const data = signsOf(codes.flat(), imageDecoder.bits, [side, side])
      const { image } = await session.run({ signs: f32([codes.length, imageDecoder.bits, side, side], data) })
      const tolerance = at === undefined ? 0 : fixture.tolerance(at, 'decode')
      recorder.compare(
        { case: at?.name ?? '', stage: 'decode', key },
        image,
        fixture.expected.get(key)!,
        tolerance,
      )
    }
  } finally {
    await session.close()
  }
}

const rows = z.array(z.array(z.int()))

/**
 * One batch of rows as the reference noised them. The masks are given, and the ids of the pictures
 * stand in the rows.
 */
const lossSchema = z.object({
  noisy_ids: rows,
  target_ids: rows,
  mask: rows,
  p_mask: z.array(z.number()),
  answer_length: z.number(),
})

const LOSS = 'loss/mmu'
const GRADIENT = 'loss/grad/'

/**
 * Compares `loss/mmu` and every `loss/grad/<weight>`. The loss weighs the cross-entropy of each
 * masked token by `1 / (p · answer length)` and takes the mean over the rows.
 * @throws VerifyError `verify/fixture` when the model has no decoder
 */
export async function verifyUnderstandingLoss({
  fixture,
  checkpoint,
  model,
  device,
  recorder,
}: FixtureContext): Promise<void> {
  const expected = fixture.expected.get(LOSS)
  if (expected === undefined) return
  if (model.kind !== 'vision-language') {
    throw new VerifyError('fixture', {
      message: `${model.family} has no decoder`,
      hint: 'Loss cases belong to diffusion models.',
    })
  }
  const at = lossSchema.parse(fixture.json.masked_diffusion_loss)
  const seq = at.noisy_ids[0]?.length ?? 0
  const scored = at.mask.flatMap((marks, row) =>
    marks.flatMap((mark, place) => (mark === 1 ? [{ row, place }] : [])),
  )
  const feeds: Record<string, Tensor> = {
    input_ids: i64([at.noisy_ids.length, seq], at.noisy_ids.flat()),
    attention_mask: i64([at.noisy_ids.length, seq], new Uint8Array(at.noisy_ids.length * seq).fill(1)),
    ...lossFeeds({
      positions: scored.map(({ row, place }) => row * seq + place),
      targets: scored.map(({ row, place }) => at.target_ids[row]![place]!),
      weights: scored.map(({ row }) => 1 / (at.p_mask[row]! * at.answer_length * at.noisy_ids.length)),
    }),
  }
  const names = [...fixture.expected.keys()].flatMap((key) =>
    key.startsWith(GRADIENT) ? [key.slice(GRADIENT.length)] : [],
  )
  const found = await lossAndGradients({ model, checkpoint, device }, names, feeds, (scope) => {
    const input = (name: string) => scope.graph.input(name, 'i64', ['batch', 'seq'])
    const decoder = model.buildDecoder(scope, {
      inputIds: input('input_ids'),
      attentionMask: input('attention_mask'),
    })
    return maskedDiffusionLoss(scope.graph, decoder)
  })
  const tolerance =
    fixture.json.tolerance instanceof Map ? Number(fixture.json.tolerance.get('loss') ?? 0) : 0
  recorder.compare({ case: 'mmu', stage: 'loss', key: LOSS }, found.loss, expected, tolerance)
  for (const name of names) {
    const key = GRADIENT + name
    recorder.compare(
      { case: 'mmu', stage: `gradient/${name}`, key },
      found[`gradient/${name}`],
      fixture.expected.get(key)!,
      tolerance,
    )
  }
}
