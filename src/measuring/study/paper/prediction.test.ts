import { describe, expect, test } from 'vitest'
import { stream } from '../../../foundation/numeric/random.ts'
import { type PlacedModel, paperPrediction } from './prediction.ts'

const MODELS = 10

/** Scores and two measures by model and place; `noise` has nothing to do with the scores. */
function made(
  score: (model: number, place: number) => number,
  figure: (model: number, place: number) => number,
  places = 1,
): PlacedModel[] {
  const random = stream(3, 'noise')
  return Array.from({ length: MODELS }, (_, model) => {
    const at = (of: (model: number, place: number) => number) =>
      Array.from({ length: places }, (_, place) => of(model, place))
    return {
      id: String(model),
      scores: at(score),
      figures: { figure: at(figure), noise: at(() => random()) },
    }
  })
}

const of = (models: readonly PlacedModel[], over: 'all' | 'models' | 'places') => {
  const [figure, noise] = paperPrediction(models, over, { seed: 7, draws: 300 })
  return { figure: figure!, noise: noise! }
}

describe('over all models', () => {
  test('a measure that orders them as their scores do predicts; noise does not', () => {
    const { figure, noise } = of(
      made(
        (model) => model ** 2,
        (model) => -model,
      ),
      'all',
    )
    expect(figure.correlation!.value).toBeCloseTo(-1, 9)
    expect(figure.correlation!.high).toBeLessThan(0)
    expect(figure.verdict).toBe('predicts')
    expect(noise.verdict).toBe('cannot-be-told')
  })

  test('tunings of few models are no further models', () => {
    // Six tunings each of four models in perfect order: 24 points, and four things that vary.
    const models = made(
      (model) => model,
      (model) => model,
      6,
    ).slice(0, 4)
    const { figure } = of(models, 'all')
    expect(figure.correlation!.value).toBeCloseTo(1, 9)
    expect(figure.verdict).toBe('cannot-be-told')
    expect(figure.p!).toBeGreaterThan(0.05)
  })
})

describe('of layers', () => {
  test('within: models agree at each layer, though over layers the measure runs the other way', () => {
    const models = made(
      (model, layer) => model + 100 * layer,
      (model, layer) => model - 100 * layer,
      4,
    )
    expect(of(models, 'models').figure.correlation!.value).toBeCloseTo(1, 9)
    expect(of(models, 'models').figure.verdict).toBe('predicts')
    expect(of(models, 'places').figure.correlation!.value).toBeCloseTo(-1, 9)
    expect(of(models, 'places').figure.verdict).toBe('predicts')
    expect(of(models, 'places').noise.verdict).toBe('cannot-be-told')
  })

  test('a layer at which all models score alike is passed over', () => {
    const models = made(
      (model, layer) => (layer === 0 ? 0.5 : model),
      (model) => model,
      3,
    )
    expect(of(models, 'models').figure.correlation!.value).toBeCloseTo(1, 9)
  })
})

test('p-values are adjusted for the number of measures', () => {
  const models = made(
    (model) => model,
    (model) => model,
  )
  const { figure } = of(models, 'all')
  expect(figure.adjusted!).toBeCloseTo(2 * figure.p!, 9)
})

test('two models, and a constant measure, give no correlation', () => {
  const models = made(
    (model) => model,
    () => 1,
  )
  expect(of(models, 'all').figure).toMatchObject({ correlation: null, p: null, verdict: 'cannot-be-told' })
  expect(of(models.slice(0, 2), 'all').noise.correlation).toBeNull()
})
