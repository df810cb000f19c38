// How often the intervals of a comparison hold the true difference, in simulated benchmarks where
// it is known: `npm run build && node test/oracles/coverage.mjs [REPETITIONS]`. Prints the share of
// 1,000 repetitions for each design, and exits 4 where one is not within 93 to 97 %. It also prints
// how often the detectable difference was found when it was there (aimed at: 80 %), and how often
// Holm's p-values called any of five tasks different where none was (at most 5 %).
const built = (path) => import(new URL(`../../dist/${path}.js`, import.meta.url).href)
const [{ compareScores }, { stream }] = await Promise.all(
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

/** Hits of two models with true means apart by `difference`; six of ten queries alike for both. */
function benchmark(design, difference, random) {
  const tasks = { a: [], b: [] }
  for (const [index, [clusters, most]] of design.entries()) {
    const rows = { a: [], b: [] }
    for (let cluster = 0; cluster < clusters; cluster++) {
      const ease = 0.2 + 0.5 * random()
      const queries = 1 + Math.floor(random() * most)
      for (let query = 0; query < queries; query++) {
        const luck = random()
        const other = random() < 0.6 ? luck : random()
        const row = { id: `${cluster} ${query}`, cluster: `${cluster}`, metrics: {}, best: 0, scoreGap: 0 }
        rows.a.push({ ...row, hit1: Number(luck < ease + difference) })
        rows.b.push({ ...row, hit1: Number(other < ease) })
      }
    }
    for (const side of ['a', 'b']) tasks[side].push({ task: `task ${index}`, rows: rows[side] })
  }
  return ['a', 'b'].map((model) => ({ model, tasks: tasks[model] }))
}

const compared = (design, difference, key, seed) =>
  compareScores(...benchmark(design, difference, stream(seed, key)), { seed, resamples: RESAMPLES })

const share = (count) => `${((100 * count) / repetitions).toFixed(1)} %`
for (const [name, design] of Object.entries(designs)) {
  let covered = 0
  let detectable = 0
  for (let seed = 0; seed < repetitions; seed++) {
    const { mean } = compared(design, 0.05, name, seed)
    if (mean.difference.low <= 0.05 && mean.difference.high >= 0.05) covered += 1
    detectable += mean.detectable / repetitions
  }
  let found = 0
  for (let seed = 0; seed < repetitions; seed++)
    if (compared(design, detectable, `${name} detectable`, seed).mean.difference.low > 0) found += 1
  const share93 = covered / repetitions
  if (share93 < 0.93 || share93 > 0.97) process.exitCode = 4
  console.log(
    `${name.padEnd(31)} ${share(covered)} of the intervals hold it; a difference of ${(100 * detectable).toFixed(1)} points is found in ${share(found)}`,
  )
}
let wrong = 0
for (let seed = 0; seed < repetitions; seed++) {
  const { tasks } = compared(Array(5).fill([300, 1]), 0, 'none', seed)
  if (tasks.some(({ adjusted }) => adjusted <= 0.05)) wrong += 1
}
console.log(`five tasks without a difference: one is called different in ${share(wrong)}`)
