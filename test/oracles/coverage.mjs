// How often the intervals of a comparison hold the true difference, in simulated benchmarks where
// it is known: `npm run build && node test/oracles/coverage.mjs [REPETITIONS]`. Prints the share of
// 1,000 repetitions for each design, and exits 4 where one is not within 93 to 97 %. It also prints
// how often the detectable difference was found when it was there (aimed at: 80 %), and how often
// Holm's p-values called any of five tasks different where none was (at most 5 %). Hits come first,
// then reciprocal ranks (MRR), then hits of two models on different queries; at last models that part
// on few queries, and two halves of one run.
const built = (path) => import(new URL(`../../dist/${path}.js`, import.meta.url).href)
const [{ compareScores, compareUnpaired }, { stream }] = await Promise.all(
  ['measuring/benchmark/comparison/scores', 'foundation/numeric/random'].map(built),
)
const repetitions = Number(process.argv[2] ?? 1000)
const RESAMPLES = 1000

/** Tasks: `[clusters, queries of a cluster at most]`. A query is as hard as its cluster. */
const designs = {
  'one task of 100 queries': [[100, 1]],
  'one task of 1,000 queries': [[1000, 1]],
  '20 pictures of 1 to 8 queries': [[20, 8]],
  '30 pictures of 1 to 8 queries': [[30, 8]],
  '200 pictures of 1 to 4 queries': [[200, 4]],
  'mean of five unequal tasks': [
    [1000, 1],
    [300, 1],
    [100, 4],
    [60, 6],
    [150, 2],
  ],
}

/** Mean of 1 / rank for a query that is missed: its rank is 2 to 10, each as likely. */
const RANKS = [2, 3, 4, 5, 6, 7, 8, 9, 10]
const MISSED = RANKS.reduce((sum, rank) => sum + 1 / rank, 0) / RANKS.length

/**
 * Hits of two models with true means apart by `difference`; six of ten queries alike for both. MRR
 * differs by (1 − MISSED) × `difference`; `ranks` draws the ranks of missed queries.
 */
function benchmark(design, difference, random, ranks = () => 0) {
  const tasks = { a: [], b: [] }
  for (const [index, [clusters, most]] of design.entries()) {
    const rows = { a: [], b: [] }
    for (let cluster = 0; cluster < clusters; cluster++) {
      const ease = 0.2 + 0.5 * random()
      const queries = 1 + Math.floor(random() * most)
      for (let query = 0; query < queries; query++) {
        const luck = random()
        const other = random() < 0.6 ? luck : random()
        const row = { id: `${cluster} ${query}`, cluster: `${cluster}`, best: 0, scoreGap: 0 }
        const missed = 1 / RANKS[Math.floor(ranks() * RANKS.length)]
        const hits = { a: luck < ease + difference, b: other < ease }
        for (const side of ['a', 'b'])
          rows[side].push({ ...row, hit1: Number(hits[side]), metrics: { mrr: hits[side] ? 1 : missed } })
      }
    }
    for (const side of ['a', 'b']) tasks[side].push({ task: `task ${index}`, rows: rows[side] })
  }
  return ['a', 'b'].map((model) => ({ model, tasks: tasks[model] }))
}

const pairedHits = (design, difference, key, seed) =>
  compareScores(...benchmark(design, difference, stream(seed, key)), { seed, resamples: RESAMPLES }).mean

const pairedRanks = (design, difference, key, seed) =>
  compareScores(...benchmark(design, difference / (1 - MISSED), stream(seed, key), stream(seed, 'ranks')), {
    seed,
    resamples: RESAMPLES,
    metric: 'mrr',
  }).mean

/** Each model on queries of its own. */
const unpairedHits = (design, difference, key, seed) => {
  const [a] = benchmark(design, difference, stream(seed, `${key} a`))
  const [, b] = benchmark(design, difference, stream(seed, `${key} b`))
  return compareUnpaired(a.tasks, b.tasks, { seed, resamples: RESAMPLES })
}

const share = (count) => `${((100 * count) / repetitions).toFixed(1)} %`
const few = ['one task of 100 queries', '30 pictures of 1 to 8 queries', 'mean of five unequal tasks']
const rounds = [
  ...Object.keys(designs).map((name) => ['', pairedHits, name]),
  ...few.map((name) => ['MRR: ', pairedRanks, name]),
  ...few.map((name) => ['other queries: ', unpairedHits, name]),
]
for (const [kind, compared, name] of rounds) {
  const design = designs[name]
  let covered = 0
  let detectable = 0
  for (let seed = 0; seed < repetitions; seed++) {
    const found = compared(design, 0.05, name, seed)
    if (found.difference.low <= 0.05 && found.difference.high >= 0.05) covered += 1
    detectable += found.detectable / repetitions
  }
  let found = 0
  for (let seed = 0; seed < repetitions; seed++)
    if (compared(design, detectable, `${name} detectable`, seed).difference.low > 0) found += 1
  const share93 = covered / repetitions
  if (share93 < 0.93 || share93 > 0.97) process.exitCode = 4
  console.log(
    `${(kind + name).padEnd(46)} ${share(covered)} of the intervals hold it; a difference of ${(100 * detectable).toFixed(1)} points is found in ${share(found)}`,
  )
}
let wrong = 0
for (let seed = 0; seed < repetitions; seed++) {
  const models = benchmark(Array(5).fill([300, 1]), 0, stream(seed, 'none'))
  const { tasks } = compareScores(...models, { seed, resamples: RESAMPLES })
  if (tasks.some(({ adjusted }) => adjusted <= 0.05)) wrong += 1
}
console.log(`five tasks without a difference: one is called different in ${share(wrong)}`)

/** Models that part on few of 100 queries: `gain` and `loss` are the chances of a query. */
function rarely(gain, loss, random) {
  const rows = { a: [], b: [] }
  for (let query = 0; query < 100; query++) {
    const luck = random()
    const row = { id: `${query}`, cluster: `${query}`, best: 0, scoreGap: 0, metrics: {} }
    rows.a.push({ ...row, hit1: Number(luck >= loss) })
    rows.b.push({ ...row, hit1: Number(luck < loss || luck >= loss + gain) })
  }
  return ['a', 'b'].map((model) => ({ model, tasks: [{ task: 'task', rows: rows[model] }] }))
}

for (const [gain, loss] of [
  [0.025, 0.025],
  [0.04, 0.01],
  [0.05, 0],
]) {
  let [covered, told] = [0, 0]
  for (let seed = 0; seed < repetitions; seed++) {
    const models = rarely(gain, loss, stream(seed, `rarely ${gain}`))
    const { low, high } = compareScores(...models, { seed, resamples: RESAMPLES }).mean.difference
    if (low <= gain - loss && high >= gain - loss) covered += 1
    if (low > 0 || high < 0) told += 1
  }
  console.log(
    `${100 * gain} % gained and ${100 * loss} % lost of 100 queries: ${share(covered)} of the intervals hold it; ` +
      `called different in ${share(told)}`,
  )
}

/** One model on 400 pictures of four queries each, of which each half gets every second picture. */
let parted = 0
for (let seed = 0; seed < repetitions; seed++) {
  const random = stream(seed, 'halves')
  const halves = [[], []]
  for (let cluster = 0; cluster < 400; cluster++) {
    const ease = 0.2 + 0.6 * random()
    for (let query = 0; query < 4; query++)
      halves[cluster % 2].push({
        ...{ id: `${cluster} ${query}`, cluster: `${cluster}`, best: 0, scoreGap: 0, metrics: {} },
        hit1: Number(random() < ease),
      })
  }
  const [a, b] = halves.map((rows) => [{ task: 'task', rows }])
  const { low, high } = compareUnpaired(a, b, { seed, resamples: RESAMPLES }).difference
  if (low > 0 || high < 0) parted += 1
}
console.log(`two halves of one run: called different in ${share(parted)}`)
