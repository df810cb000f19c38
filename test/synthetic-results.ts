/**
 * @file A study's results as they might come out, drawn from a seed: what the report is tested on.
 * None of the numbers is a finding.
 */

import sharp from 'sharp'
import { below, fillNormal, type Random, stream } from '../src/foundation/numeric/random.ts'
import type { Factors } from '../src/measuring/report/factors.ts'
import type { Interval, Results, ResultsModel, Scope } from '../src/measuring/report/results.ts'
import type { StudyRun } from '../src/measuring/report/run.ts'

const taskRows = [
  ['object-label', 'classification', 'in', 200, 0.005],
  ['object-group', 'classification', 'in', 8, 0.125],
  ['withheld-label', 'classification', 'out-drawing', 200, 0.005],
  ['style-f-group', 'classification', 'out-style', 8, 0.125],
  ['held-out-group', 'classification', 'out-concept', 8, 0.125],
  ['scene-what', 'vqa', 'in', 200, 0.02],
  ['scene-count', 'vqa', 'in', 6, 0.22],
  ['scene-shape-colour', 'vqa', 'in', 12, 0.11],
  ['held-out-what', 'vqa', 'out-concept', 50, 0.04],
  ['scene-t2i', 'retrieval', 'in', 200, 0.005],
  ['scene-i2t', 'retrieval', 'in', 200, 0.005],
  ['composed-background', 'retrieval', 'in', 200, 0.005],
  ['cross-style', 'retrieval', 'out-drawing', 200, 0.005],
  ['held-out-t2i', 'retrieval', 'out-concept', 200, 0.005],
] as const

const words = [
  'red apple',
  'tabby cat',
  'sailing boat',
  'steam train',
  'chess pawn',
  'sun hat',
  'violin',
  'pine tree',
  'teapot',
  'blue whale',
]

const model = (id: string, label: string, rest: Partial<ResultsModel>): ResultsModel => ({
  id,
  label,
  role: 'twin',
  state: 'untuned',
  family: null,
  objective: 'none',
  attention: 'none',
  hash: null,
  parameters: null,
  ...rest,
})

const ar = {
  family: 'llava',
  objective: 'autoregressive',
  attention: 'causal',
  parameters: 3_812_352,
} as const
const diffusion = {
  family: 'lavida',
  objective: 'diffusion',
  attention: 'bidirectional',
  parameters: 3_812_544,
} as const

/** Skill in [0, 1]: how far a model gets from chance towards a perfect score, per meta-task. */
const skill: Record<string, number> = {
  'twin-ar': 0.03,
  'twin-ar-tuned': 0.58,
  'twin-diffusion': 0.02,
  'twin-diffusion-tuned': 0.51,
  'random-causal-tuned': 0.3,
  'random-bidirectional-tuned': 0.27,
  'dual-encoder': 0.62,
  pixels: 0.09,
  'twin-ar-shuffled': 0.04,
  'twin-diffusion-shuffled': 0.03,
}

/**
 * Valid results with every part filled; the same seed gives the same value. `title` lets a test
 * smuggle in any text.
 */
export async function syntheticResults(
  seed = 7,
  title = 'Autoregressive and diffusion twins as embedding models',
): Promise<Results> {
  const random = stream(seed, 'synthetic results')
  const noise = () => fillNormal(new Float32Array(2), 1, random)[0]!
  const around = (value: number, half: number, floor = Number.NEGATIVE_INFINITY): Interval => ({
    value: Math.max(floor, value),
    low: Math.max(floor, value - half),
    high: Math.max(floor, value + half),
  })
  const models = studyModels(random)
  const scored = models.filter(({ id }) => skill[id] !== undefined)
  const scores = taskRows.flatMap(([task, , shift, , chance]) => {
    const hardness = shift === 'in' ? 1 : shift === 'out-concept' ? 0.3 : 0.55
    return scored.map(({ id }) => {
      const hit1 = around(
        Math.min(0.97, chance + (1 - chance) * skill[id]! * hardness * (1 + 0.18 * noise())),
        0.055,
        0,
      )
      return {
        model: id,
        task,
        hit1,
        metrics: {
          hit1: hit1.value,
          firstWins: hit1.value,
          recall5: Math.min(1, hit1.value * 1.6),
          mrr: Math.min(1, hit1.value * 1.2),
        },
      }
    })
  })
  const scopes: { scope: Scope; tasks: string[] }[] = [
    ...(['classification', 'vqa', 'retrieval'] as const).map((metaTask) => ({
      scope: { kind: 'metaTask' as const, metaTask },
      tasks: taskRows.filter((row) => row[1] === metaTask).map((row) => row[0]),
    })),
    ...(['in', 'out-drawing', 'out-style', 'out-concept'] as const).map((shift) => ({
      scope: { kind: 'shift' as const, shift },
      tasks: taskRows.filter((row) => row[2] === shift).map((row) => row[0]),
    })),
    { scope: { kind: 'in-domain' }, tasks: taskRows.filter((row) => row[2] === 'in').map((row) => row[0]) },
    { scope: { kind: 'all' }, tasks: taskRows.map((row) => row[0]) },
  ]
  const meanScore = (id: string, tasks: string[]) => {
    const values = scores
      .filter((score) => score.model === id && tasks.includes(score.task))
      .map((score) => score.hit1.value)
    return values.reduce((sum, value) => sum + value, 0) / values.length
  }
  const means = scored.flatMap(({ id }) =>
    scopes.map(({ scope, tasks }) => ({ model: id, scope, hit1: around(meanScore(id, tasks), 0.02, 0) })),
  )
  const compared = [
    ['twin-ar-tuned', 'twin-diffusion-tuned'],
    ['twin-ar-tuned', 'twin-ar'],
    ['twin-diffusion-tuned', 'twin-diffusion'],
    ['twin-ar-tuned', 'random-causal-tuned'],
    ['twin-diffusion-tuned', 'random-bidirectional-tuned'],
  ] as const
  const withTasks = [
    ...scopes,
    ...taskRows.map(([task]) => ({ scope: { kind: 'task' as const, task }, tasks: [task as string] })),
  ]
  const differences = compared.flatMap(([a, b]) =>
    withTasks.map(({ scope, tasks }) => ({
      a,
      b,
      scope,
      interval: around(meanScore(a, tasks) - meanScore(b, tasks), scope.kind === 'task' ? 0.06 : 0.028),
    })),
  )
  const thumbnails = await Promise.all(words.map((_, index) => thumbnail(index * 36)))
  const headline = differences.find((one) => one.scope.kind === 'in-domain')!.interval
  return {
    schemaVersion: 2,
    title,
    seed,
    command: `npx bifocal study --seed ${seed} --steps 300 --out out`,
    plan: 'quick',
    world: 'small',
    models,
    tasks: taskRows.map(([name, metaTask, shift, candidates, chance]) => ({
      name,
      metaTask,
      shift,
      reason:
        shift === 'in'
          ? 'Drawings seen in tuning, in a new rendering: place, size and background differ.'
          : `Withheld from every training: ${shift.slice(4)}.`,
      queries: 200,
      candidates,
      chance,
      majority: metaTask === 'retrieval' ? null : Math.min(1, chance * 1.3),
      instruction: 'Represent the given picture.',
    })),
    metrics: [
      { name: 'hit1', label: 'hit@1' },
      { name: 'firstWins', label: 'hit@1, the first of tied candidates wins' },
      { name: 'recall5', label: 'recall@5' },
      { name: 'mrr', label: 'MRR' },
    ],
    scores,
    means,
    differences,
    measures: measureRows.map(([name, label, direction, meaning, source]) => ({
      name,
      label,
      direction,
      meaning,
      source,
    })),
    alignment: alignmentRows(around, noise),
    maps: ['twin-ar', 'twin-ar-tuned', 'twin-diffusion', 'twin-diffusion-tuned'].map((id) => ({
      model: id,
      points: mapPoints(id, noise),
    })),
    thumbnails,
    failures: ['twin-ar-tuned', 'twin-diffusion-tuned'].flatMap((id) =>
      Array.from({ length: 6 }, (_, index) => {
        const [asked, chosen] = [below(words.length, random), below(words.length, random)]
        const task = taskRows[(index * 5) % taskRows.length]![0]
        const isPicture = index % 2 === 0
        return {
          model: id,
          task,
          query: {
            text: isPicture ? 'What is to the left of the teapot?' : words[asked],
            ...(isPicture ? { thumbnail: asked } : {}),
          },
          expected: isPicture ? { text: words[asked] } : { text: words[asked], thumbnail: asked },
          got: isPicture ? { text: words[chosen] } : { text: words[chosen], thumbnail: chosen },
          scoreGap: 0.4 - 0.05 * index,
        }
      }),
    ),
    finding: {
      otherSeeds: [{ seed: 8, interval: { value: -0.02, low: -0.05, high: 0.01 } }],
      sentence:
        'Converted alike, the autoregressive twin embeds a little better than the diffusion twin on the tasks they were tuned for.',
      quantity: 'AR twin − diffusion twin, mean hit@1 over in-domain tasks',
      interval: headline,
      caveats: [
        'Both beat the same tuning of a random decoder. One seed, one size of model: not a statement about large checkpoints.',
      ],
    },
    criteria: taskRows.slice(0, 7).map(([task], index) => ({
      name: `Both twins beat a blind guess on ${task}.`,
      passed: index !== 3,
      detail:
        index === 3
          ? 'The diffusion twin’s interval starts at 16.1 %, the bar is 21.3 %.'
          : 'Lower ends lie above shuffled pictures and the commonest answer.',
    })),
    notes: [
      'The random-decoder control ran with 300 steps.',
      'GPL-2 stamps are absent: their tasks were skipped.',
    ],
    credits: [
      'Pictures: Noto Emoji (Apache-2.0), Twemoji (CC BY 4.0), OpenMoji (CC BY-SA 4.0), Fluent Emoji (MIT), EmojiOne 1 (CC BY-SA 4.0).',
    ],
  }
}

function studyModels(random: Random): ResultsModel[] {
  const hash = () => Array.from({ length: 32 }, () => below(16, random).toString(16)).join('')
  const tuning = (start: number, end: number): ResultsModel['tuning'] => ({
    steps: 300,
    batch: 48,
    rank: 32,
    learningRate: 0.002,
    temperature: { start: 0.2, end: 0.02 },
    lossCurve: Array.from({ length: 100 }, (_, i) => [
      i * 3,
      end + (start - end) * Math.exp(-i / 22) + 0.12 * (random() - 0.5),
    ]),
    devChoices: [
      { setting: 'last layer, last token', hit1: 0.31, chosen: false },
      { setting: 'last layer, mean over tokens', hit1: 0.36, chosen: true },
    ],
  })
  const readout = 'last layer, mean over tokens'
  return [
    model('twin-ar', 'AR twin', {
      ...ar,
      hash: hash(),
      readout,
      card: 'LLaVA layout, causal, next-token prediction, 10,000 steps.',
    }),
    model('twin-ar-tuned', 'AR twin', {
      ...ar,
      state: 'tuned',
      of: 'twin-ar',
      hash: hash(),
      readout,
      tuning: tuning(3.9, 0.9),
    }),
    model('twin-diffusion', 'Diffusion twin', {
      ...diffusion,
      hash: hash(),
      readout,
      card: 'LaViDa layout, bidirectional, masked diffusion, 10,000 steps.',
    }),
    model('twin-diffusion-tuned', 'Diffusion twin', {
      ...diffusion,
      state: 'tuned',
      of: 'twin-diffusion',
      hash: hash(),
      readout,
      tuning: tuning(4, 1.0),
    }),
    model('random-causal-tuned', 'Random, causal', {
      role: 'random-decoder',
      state: 'tuned',
      attention: 'causal',
      parameters: 3_812_352,
      hash: hash(),
      readout,
      tuning: tuning(4.1, 1.9),
    }),
    model('random-bidirectional-tuned', 'Random, bidir.', {
      role: 'random-decoder',
      state: 'tuned',
      attention: 'bidirectional',
      parameters: 3_812_544,
      hash: hash(),
      readout,
      tuning: tuning(4.1, 2),
    }),
    model('dual-encoder', 'Dual encoder', {
      role: 'dual-encoder',
      state: 'none',
      family: 'siglip',
      objective: 'contrastive',
      attention: 'bidirectional',
      parameters: 2_104_320,
      hash: hash(),
    }),
    model('pixels', 'Raw pixels', { role: 'pixels', state: 'none' }),
    model('twin-ar-shuffled', 'AR, shuffled', { role: 'shuffled', state: 'none', of: 'twin-ar-tuned' }),
    model('twin-diffusion-shuffled', 'Diffusion, shuffled', {
      role: 'shuffled',
      state: 'none',
      of: 'twin-diffusion-tuned',
    }),
    model('majority', 'Majority', { role: 'majority', state: 'none' }),
    model('chance', 'Chance', { role: 'chance', state: 'none' }),
  ]
}

const measureRows = [
  [
    'modality-gap',
    'Modality gap',
    'lower',
    'Distance between the mean image vector and the mean text vector.',
    'Liang et al. 2022',
  ],
  [
    'distribution-gap',
    'Distribution gap',
    'lower',
    'What still separates images from texts once both are centred.',
    'arXiv 2604.00279',
  ],
  [
    'matched-margin',
    'Matched margin',
    'higher',
    'How much closer matched pairs are than mismatched ones, in cosine.',
    'this study',
  ],
  [
    'matched-auc',
    'Matched AUC',
    'higher',
    'Chance that a matched pair is closer than a mismatched one.',
    'Mann and Whitney 1947',
  ],
  ['alignment', 'Alignment loss', 'lower', 'Mean squared distance of matched pairs.', 'Wang & Isola 2020'],
  ['uniformity', 'Uniformity loss', 'lower', 'How evenly vectors fill the sphere.', 'Wang & Isola 2020'],
  [
    'linear-cka',
    'Linear CKA',
    'higher',
    'Whether images and texts have the same geometry, up to rotation.',
    'Kornblith et al. 2019',
  ],
  [
    'recall-i2t',
    'Recall@1, image to text',
    'higher',
    'How often the nearest text of an image is its own.',
    'this study',
  ],
] as const

function alignmentRows(
  around: (value: number, half: number) => Interval,
  noise: () => number,
): Results['alignment'] {
  const start = [1.1, 0.5, 0.02, 0.52, 1.6, -1.1, 0.1, 0.01]
  const end = [0.45, 0.2, 0.35, 0.9, 0.9, -2.7, 0.55, 0.3]
  return ['twin-ar', 'twin-diffusion'].flatMap((id, lag) =>
    measureRows.flatMap(([measure], i) => {
      const at = (share: number) => start[i]! + (end[i]! - start[i]!) * share
      const half = 0.04 * Math.abs(end[i]! - start[i]!)
      return [
        { model: id, measure, layer: null, interval: around(at(0.05 + 0.1 * lag), half) },
        {
          model: `${id}-tuned`,
          measure,
          layer: null,
          interval: around(at(1 - 0.2 * lag + 0.03 * noise()), half),
        },
        ...(['inputs', 0, 1, 2, 3] as const).map((layer, depth) => ({
          model: id,
          measure,
          layer,
          interval: around(at(0.03 * depth * (1 + lag) + 0.02 * noise()), half),
        })),
      ]
    }),
  )
}

function mapPoints(id: string, noise: () => number): Results['maps'][number]['points'] {
  const spread = id.endsWith('-tuned') ? 0.25 : 0.9
  const apart = id.endsWith('-tuned') ? 0.3 : 4
  return Array.from({ length: 120 }, (_, index) => {
    const [x, y] = [3 * Math.cos(index % words.length), 3 * Math.sin(index % words.length)]
    const place = (shift: number) => ({
      x: x + shift + spread * noise(),
      y: y - shift / 2 + spread * noise(),
    })
    const shared = { id: `pair-${index}`, label: words[index % words.length]! }
    return [
      { ...shared, kind: 'image' as const, ...place(0), thumbnail: index % words.length },
      { ...shared, kind: 'text' as const, ...place(apart) },
    ]
  }).flat()
}

async function thumbnail(hue: number): Promise<string> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="72" height="72"><rect width="72" height="72" fill="hsl(${hue},40%,82%)"/><circle cx="32" cy="38" r="20" fill="hsl(${(hue + 140) % 360},60%,48%)"/></svg>`
  const bytes = await sharp(Buffer.from(svg)).webp({ quality: 80 }).toBuffer()
  return `data:image/webp;base64,${bytes.toString('base64')}`
}

/** A run that goes with the results. */
export const syntheticRun: StudyRun = {
  schemaVersion: 1,
  startedAt: '2026-01-01T10:00:00Z',
  finishedAt: '2026-01-01T10:04:12Z',
  argv: ['study', '--seed', '7'],
  phases: [
    { name: 'features', seconds: 21.3 },
    { name: 'tuning', seconds: 160.2 },
    { name: 'scoring', seconds: 48 },
    { name: 'analysis', seconds: 22.5 },
  ],
  machine: {
    platform: 'linux',
    arch: 'x64',
    cpu: 'Example CPU',
    cores: 2,
    memoryBytes: 8 * 2 ** 30,
    device: 'cpu',
    dtype: 'f32',
    threads: 2,
  },
  versions: { bifocal: '0.1.0', node: '20.20.0', 'onnxruntime-node': '1.30.0' },
  badItems: [],
}

/** A factor table as it might ship. None of the numbers is a finding. */
export function syntheticFactors(): Factors {
  const differences = [
    ['next token − masked diffusion', 0.004, 0.03],
    ['aligned features − discrete codes', 0.182, 0.05],
    [
      'what next token gains over masked diffusion with aligned features − what it gains with codes',
      -0.02,
      0.045,
    ],
    ["a model's own mask − the other one", 0.031, 0.02],
    ['what its own mask is worth to next token − to masked diffusion', 0.01, 0.03],
    ['what its own mask is worth with aligned features − with codes', 0.005, 0.03],
  ] as const
  const covers = 'other pretrainings, other tunings, other test rows'
  return {
    command: 'bifocal study --plan paper',
    state: 'tuned',
    sentence:
      'Over seeds and all tasks, tuned alike: next token − masked diffusion, cannot be told (+0.4 points of ' +
      'hit@1; 95 %: −2.6 to +3.4); aligned features − discrete codes, +18.2 points of hit@1 (95 %: +13.2 to ' +
      "+23.2); a model's own mask − the other one, +3.1 points of hit@1 (95 %: +1.1 to +5.1).",
    models: ['twin-ar', 'twin-diffusion', 'twin-ar-discrete', 'twin-discrete'].flatMap((name, i) =>
      [1, 2, 3].map((pretraining) => ({
        model: name,
        pretraining,
        tunings: [7, 8, 9],
        hash: `${i}${pretraining}c0ffee`.repeat(8),
      })),
    ),
    effects: (['tuned', 'untuned'] as const).flatMap((state) =>
      differences.flatMap(([effect, value, half]) =>
        (['all', 'classification', 'vqa', 'retrieval'] as const).flatMap((metaTask, task) =>
          (['all', 'in', 'out'] as const).map((domain, place) => {
            const moved = value * (1 + 0.1 * task - 0.2 * place) * (state === 'tuned' ? 1 : 0.3)
            const interval = { value: moved, low: moved - half, high: moved + half }
            return { effect, state, metaTask, domain, interval, covers }
          }),
        ),
      ),
    ),
  }
}
