import { expect, test } from 'vitest'
import { modelParameters } from '../../models/families/parameters.ts'
import { roleOf } from './twin-config.ts'
import { isTower, twinModel } from './twin-model.ts'

test('every trained parameter of one twin has its counterpart of the same role and shape in the other', () => {
  const roles = (name: 'twin-ar' | 'twin-diffusion') =>
    modelParameters(twinModel(name), { head: true })
      .filter((slot) => !isTower(slot.name))
      .map((slot) => `${roleOf(slot.name)} ${slot.dims}`)
      .sort()
  expect(roles('twin-ar')).toEqual(roles('twin-diffusion'))
  expect(roles('twin-ar').length).toBeGreaterThan(40)
})
