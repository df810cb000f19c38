/** @file Our figures of random pairs, for analysis.py. stdin: JSON { images, texts }; stdout: JSON. */

import { text } from 'node:stream/consumers'
import { evidenceOf } from '../../dist/measuring/analysis/evidence.js'
import { measureNames, measures } from '../../dist/measuring/analysis/measures.js'
import { unitPairs } from '../../dist/measuring/analysis/pairs.js'
import { Products } from '../../dist/measuring/analysis/products.js'
import { ridgeMap } from '../../dist/measuring/analysis/remedies/linear.js'
import { targetPotential } from '../../dist/measuring/analysis/remedies/transport.js'
import { shrunkCovariance } from '../../dist/measuring/analysis/remedies/whitened.js'
import { rotationOf } from '../../dist/measuring/analysis/rotation.js'
import { wholeSample } from '../../dist/measuring/analysis/sample.js'

const { sets, fits } = JSON.parse(await text(process.stdin))
const matrix = (rows) => ({
  dtype: 'f32',
  dims: [rows.length, rows[0].length],
  data: Float32Array.from(rows.flat()),
})
const products = new Products()
const measured = []
for (const { images, texts } of sets) {
  const pairs = unitPairs({ images: matrix(images), texts: matrix(texts) })
  const evidence = evidenceOf(pairs, products)
  const figures = {}
  for (const name of measureNames)
    figures[name] = (await measures[name].prepare(evidence))(wholeSample(images.length))
  measured.push(figures)
}
const fitted = []
for (const { x, y, ridge, cosines, entropy } of fits) {
  const [a, b] = [matrix(x), matrix(y)]
  const { covariance, shrinkage } = await shrunkCovariance(a, products)
  fitted.push({
    ridge: Array.from((await ridgeMap(a, b, ridge, products)).data),
    rotation: Array.from((await rotationOf(a, b, products)).data),
    covariance: Array.from(covariance.data),
    shrinkage,
    potential: Array.from(targetPotential(matrix(cosines), entropy)),
  })
}
process.stdout.write(JSON.stringify({ measured, fitted }))
