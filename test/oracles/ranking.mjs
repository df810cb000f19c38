// Scores of ranked lists and clusterings by bifocal: the other half of ranking.py. Needs
// `npm run build`. Reads JSON from stdin, writes JSON to stdout.
import { text } from 'node:stream/consumers'

const built = (path) => import(new URL(`../../dist/${path}.js`, import.meta.url).href)
const [{ ranked }, { perMetric }, { clusterAgreement, kMeans }] = await Promise.all(
  ['foundation/numeric/ranking', 'measuring/benchmark/metrics', 'foundation/numeric/clustering'].map(built),
)
const { lists, labelings, clouds } = JSON.parse(await text(process.stdin))
const made = {
  lists: lists.map((list) => {
    const rankings = ranked(list)
    // No candidate stands in these lists twice.
    return perMetric(({ of }) => of({ ...rankings, unique: rankings.expected }))
  }),
  labelings: labelings.map(({ labels, clusters }) => clusterAgreement(labels, clusters)),
  clouds: clouds.map(({ rows, dim, data, k }) => {
    const { clusters, inertia } = kMeans(
      { dtype: 'f32', dims: [rows, dim], data: Float32Array.from(data) },
      k,
      {
        seed: 7,
      },
    )
    return { clusters: Array.from(clusters), inertia }
  }),
}
process.stdout.write(JSON.stringify(made))
