/** @file Answers of a twin to a few pictures that no training showed, for its card. */

import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { answerLength, type GateOptions } from './gates.ts'
import { openWriter } from './generate.ts'
import type { TowerWorld } from './tower-batch.ts'
import { samplesOf } from './twin-samples.ts'
import type { Twin } from './twins/twin.ts'

export interface SampleAnswer {
  prompt: string
  /** The right answer. */
  gold: string
  answer: string
}

/**
 * Tokens of a caption at most: about the longest one, so that the masks beyond its end are no more
 * than training filled.
 */
const CAPTION_LENGTH = 18
const CAPTIONS = 6
const QUESTIONS = 10

/**
 * Captions, answers to questions, labels: the first of the held-out stream, not chosen.
 * @throws InterruptedError
 */
export async function sampleAnswers(
  twin: Twin,
  at: TowerWorld,
  parameters: Readonly<Record<string, Tensor>>,
  { seed, threads, thread, signal }: Pick<GateOptions, 'seed' | 'threads' | 'thread' | 'signal'>,
): Promise<SampleAnswer[]> {
  const writer = await openWriter(twin, parameters, { threads, thread, signal })
  const sets = [
    { kind: 'caption' as const, count: CAPTIONS, length: CAPTION_LENGTH },
    { kind: 'qa' as const, count: QUESTIONS, length: answerLength(at) },
    { kind: 'label' as const, count: CAPTIONS, length: answerLength(at) },
  ]
  try {
    const found: SampleAnswer[] = []
    for (const { kind, count, length } of sets) {
      const drawn = samplesOf(at.world, { kind, seed, from: 0, count, use: 'test' })
      const answers = await writer.answers(at, drawn, length)
      found.push(
        ...drawn.samples.map(({ prompt, answer: gold }, i) => ({ prompt, gold, answer: answers[i]! })),
      )
    }
    return found
  } finally {
    await writer.close()
  }
}
