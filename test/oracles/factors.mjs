// How often the intervals of the factor table hold the true effects, in simulated experiments where
// they are known: `npm run build && node test/oracles/factors.mjs [REPETITIONS]`. Four kinds of
// models, three pretrainings of each, three tunings of each pretraining. Prints the share of 1,000
// repetitions for each design and effect, and exits 4 where the plain design's are not within 93 to
// 97 %, or any is below 93 %.
const built = (path) => import(new URL(`../../dist/${path}.js`, import.meta.url).href)
const [{ factorTable, FACTORS }, { stream }] = await Promise.all(
  ['measuring/study/paper/factors', 'foundation/numeric/random'].map(built),
)
const repetitions = Number(process.argv[2] ?? 1000)
const RESAMPLES = 400
const SEEDS = [1, 2, 3]

/** In shares of hits. */
const TRUE = { objective: 0.05, pictures: 0.2, 'objective pictures': 0.04 }

/**
 * Standard deviations, in shares: between pretrainings, between tunings of one, of a pretraining on
 * a cluster. `common`: between seeds, alike for all kinds. `tasks`: `[clusters, queries of each at most]`.
 */
const plain = {
  pretraining: 0.03,
  tuning: 0.02,
  taste: 0.05,
  common: 0,
  tasks: [
    [60, 4],
    [100, 2],
    [200, 1],
  ],
}
const designs = {
  'as expected': plain,
  'pretrainings differ much': { ...plain, pretraining: 0.06 },
  'tunings differ much': { ...plain, pretraining: 0.01, tuning: 0.05 },
  'trainings hardly differ': { ...plain, pretraining: 0.004, tuning: 0.004, taste: 0 },
  'a training has its own tastes': { ...plain, taste: 0.15 },
  'one small task': { ...plain, tasks: [[40, 4]] },
  'seeds alike for all kinds': { ...plain, common: 0.03 },
  'one kind varies three times as much': { ...plain, uneven: 3 },
}

function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

function experiment({ pretraining, tuning, taste, common, tasks, uneven = 1 }, random) {
  const scored = tasks.map(([clusters, most], index) => ({
    name: `task ${index}`,
    metaTask: 'vqa',
    domain: 'in',
    clusters: Array.from({ length: clusters }, (_, c) =>
      Array(1 + Math.floor(random() * most)).fill(`${c}`),
    ).flat(),
  }))
  // Uniform, so that no probability leaves 0 to 1 where effects add up.
  const ease = tasks.map(([clusters]) => Array.from({ length: clusters }, () => 0.3 + 0.4 * random()))
  const shared = SEEDS.map(() => common * normal(random))
  const runs = []
  for (const objective of FACTORS.objective) {
    for (const pictures of FACTORS.pictures) {
      const [o, p] = [objective === 'next-token' ? 0.5 : -0.5, pictures === 'aligned' ? 0.5 : -0.5]
      const effect = TRUE.objective * o + TRUE.pictures * p + TRUE['objective pictures'] * o * p
      const factor = objective === 'next-token' && pictures === 'aligned' ? uneven : 1
      for (const [i, seed] of SEEDS.entries()) {
        const own = effect + shared[i] + factor * pretraining * normal(random)
        const tastes = ease.map((each) => each.map(() => taste * normal(random)))
        for (const second of SEEDS) {
          const run = own + tuning * normal(random)
          const hits = scored.map(({ clusters }, t) =>
            clusters.map((c) => Number(random() < ease[t][c] + tastes[t][c] + run)),
          )
          runs.push({
            cell: { objective, pictures, mask: 'native' },
            pretraining: seed,
            tuning: second,
            hits,
          })
        }
      }
    }
  }
  return { runs, tasks: scored }
}

for (const [name, design] of Object.entries(designs)) {
  const held = { objective: 0, pictures: 0, 'objective pictures': 0 }
  const freedom = { ...held }
  for (let seed = 0; seed < repetitions; seed++) {
    const { runs, tasks } = experiment(design, stream(seed, name))
    const effects = factorTable(runs, tasks, { seed, resamples: RESAMPLES })
    for (const { factors, scope, interval } of effects) {
      if (scope.metaTask !== 'all' || scope.domain !== 'all') continue
      const effect = factors.join(' ')
      if (interval.low <= TRUE[effect] && interval.high >= TRUE[effect]) held[effect] += 1 / repetitions
      freedom[effect] += interval.freedom / repetitions
    }
  }
  for (const share of Object.values(held))
    if (share < 0.93 || (design === plain && share > 0.97)) process.exitCode = 4
  const words = Object.entries(held).map(
    ([effect, share]) => `${effect} ${(100 * share).toFixed(1)} % (${freedom[effect].toFixed(0)} d.f.)`,
  )
  console.log(`${name.padEnd(36)} ${words.join('; ')}`)
}
