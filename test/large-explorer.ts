/** @file A made-up explorer of many items: to see how the page copes. */

import { below, fillNormal, stream } from '../src/foundation/numeric/random.ts'
import { type Explorer, scaledLayout } from '../src/measuring/report/explorer.ts'

/** @param items of two models each on one map; half of them are queries */
export function largeExplorer(items: number, ids: readonly string[], pictures: readonly string[]): Explorer {
  const random = stream('large explorer')
  const queries = items / 2
  const rows = Array.from({ length: queries }, (_, i) => ({
    id: `row ${i}`,
    task: 0,
    query: i,
    gold: queries + below(queries, random),
  }))
  return {
    pictures,
    tasks: ['large'],
    items: Array.from({ length: items }, (_, i) => ({
      text: `item ${i}`,
      ...(i < queries && { picture: i % pictures.length }),
    })),
    rows,
    measured: queries,
    models: ids.map((id) => {
      const hits = rows.map(() => (random() < 0.6 ? 1 : 0))
      return {
        id,
        hits,
        nearest: rows.map(({ gold }, i) => (hits[i] === 1 ? gold : queries + below(queries, random))),
        layouts: [
          {
            method: 'pca' as const,
            task: null,
            items: Array.from({ length: items }, (_, i) => i),
            ...scaledLayout(fillNormal(new Float32Array(2 * items), 1, random)),
            share: 0.4,
          },
        ],
      }
    }),
  }
}
