/**
 * @file The record of a tuning as it might come out, drawn from a seed: what its page is tested on.
 * None of the numbers is a finding.
 */

import sharp from 'sharp'
import { below, stream } from '../src/foundation/numeric/random.ts'
import { type TuningRecord, tuningRecord } from '../src/learning/tuning/job/record-form.ts'

const things = ['red apple', 'tabby cat', 'sailing boat', 'steam train', 'chess pawn', 'sun hat']

/** @param updates of the tuning, with 12 evaluations */
export async function syntheticRecord(updates = 600, name = 'bifocal:twin-ar'): Promise<TuningRecord> {
  const random = stream(7, 'record')
  const thumbnails = await Promise.all(things.map((_, i) => thumbnail(i)))
  const progress = (update: number) => update / updates
  const every = Math.max(1, Math.floor(updates / 12))
  const best = 10 * every
  return tuningRecord({
    version: '0.1.0',
    command: 'npx bifocal tune --config settings.yaml --out NEW-FOLDER',
    model: { name, family: 'llava', sha256: '5f'.repeat(32), parameters: 3_480_192 },
    settings: {
      model: name,
      data: [
        { path: 'pairs.jsonl', name: null, weight: 2 },
        { path: 'more.csv', name: 'more', weight: 1 },
      ],
      loss: { name: 'infonce', temperature: { start: 0.2, end: 0.02, share: 0.6 }, matryoshka: null },
      train: { method: 'lora', rank: 16, targets: 'decoder', exclude: [] },
      optimizer: { name: 'adamw', learningRate: 2e-4, betas: [0.9, 0.999] },
      seed: 7,
    },
    deciding: {},
    data: [
      { name: 'pairs', pairs: 9_500, train: 9_000, dev: 500, weight: 2, fingerprint: 'a1'.repeat(32) },
      { name: 'more', pairs: 3_000, train: 2_850, dev: 150, weight: 1, fingerprint: 'b2'.repeat(32) },
    ],
    trained: {
      parameters: 196_608,
      modules: [
        { kind: 'q_proj', modules: 8, parameters: 98_304 },
        { kind: 'v_proj', modules: 8, parameters: 98_304 },
      ],
      sha256: 'c3'.repeat(32),
    },
    curve: Array.from({ length: updates }, (_, i) => ({
      update: i + 1,
      loss: 3.4 * Math.exp(-3 * progress(i)) + 0.4 + 0.3 * random(),
      accuracy: Math.min(1, 0.1 + 0.7 * progress(i) + 0.1 * random()),
      gradientNorm: 0.8 + 0.6 * random() + (i % 97 === 50 ? 4 : 0),
      learningRate: 2e-4 * Math.min(1, (10 * i) / updates) * (1 - progress(i)),
      temperature: Math.max(0.02, 0.2 * 0.1 ** (progress(i) / 0.6)),
      sources: { pairs: 32, more: 16 },
    })),
    evaluations: Array.from({ length: 13 }, (_, i) => ({
      update: i * every,
      loss: 2.9 * Math.exp(-i / 4) + 0.6 + (i > 10 ? 0.06 * (i - 10) : 0),
      hit1: 0.08 + 0.5 * (1 - Math.exp(-i / 4)) - (i > 10 ? 0.01 * (i - 10) : 0),
    })),
    best: { update: best, metric: 'loss', value: 0.84 },
    ended: 'early stopping',
    worst: Array.from({ length: 12 }, (_, i) => {
      const [own, other] = [things[i % 6]!, things[(i + 1) % 6]!]
      const query =
        i % 2 === 0
          ? { instruction: 'Represent the given image for classification', images: [i % 6] }
          : { text: `Find me an image that matches the given caption: a ${own} on a table beside a window` }
      const target = i % 2 === 0 ? { text: own } : { images: [i % 6] }
      const found = i % 2 === 0 ? { text: other } : { images: [(i + 1) % 6] }
      return {
        source: i % 3 === 0 ? 'more' : 'pairs',
        row: below(9000, random),
        query,
        target,
        ...(i < 11 && { found }),
        rank: 120 - 10 * i - (i === 1 ? 0.5 : 0),
        own: 0.2 + 0.02 * i,
        other: 0.7 - 0.03 * i,
      }
    }),
    skipped: {
      pairs: 2,
      first: [
        {
          source: 'more',
          row: 17,
          code: 'file/missing',
          message: 'more.csv, row 18, target: cat.png does not exist',
        },
        {
          source: 'more',
          row: 90,
          code: 'media/damaged',
          message: 'more.csv, row 91, query: dog.png is cut short',
        },
      ],
    },
    thumbnails,
    took: {
      seconds: 1234,
      foretoldSeconds: 1100,
      peakBytes: 3_328_599_654,
      foretoldBytes: 3_113_851_289,
      resumedAt: [200],
      finishedAt: '2026-01-15T12:00:00.000Z',
    },
    machine: {
      platform: 'linux x64',
      cpu: 'Some processor',
      cores: 8,
      memoryBytes: 16 * 2 ** 30,
      device: 'cpu',
      threads: 8,
    },
  })
}

/** A plain picture of one hue. */
async function thumbnail(index: number): Promise<string> {
  const [r, g, b] = [(40 * index + 60) % 256, (90 * index + 120) % 256, (150 * index + 30) % 256]
  const create = { width: 64, height: 64, channels: 3, background: { r, g, b } } as const
  const bytes = await sharp({ create }).webp().toBuffer()
  return `data:image/webp;base64,${bytes.toString('base64')}`
}
