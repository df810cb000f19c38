import { expect, test } from 'vitest'
import { modelParameters } from '../../../models/families/parameters.ts'
import { isTower } from '../twin-loss.ts'
import { TWINS } from './registry.ts'
import { roleOf, twinModel } from './twin.ts'

test('every trained parameter of one twin has its counterpart of the same role and shape in the others', () => {
  const [first, ...others] = TWINS.map((twin) =>
    modelParameters(twinModel(twin), { head: true })
      .filter((slot) => !isTower(slot.name))
      .map((slot) => `${roleOf(slot.name)} ${slot.dims}`)
      .sort(),
  )
  expect(first!.length).toBeGreaterThan(40)
  expect(others.length).toBeGreaterThan(0)
  for (const other of others) expect(other).toEqual(first)
})
