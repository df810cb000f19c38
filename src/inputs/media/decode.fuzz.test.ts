import fc from 'fast-check'
import { expect, test } from 'vitest'
import oracle from '../../../test/fixtures/media/decode.json' with { type: 'json' }
import { decodeImage } from './decode.ts'
import { MediaError } from './errors.ts'

const files = [...Object.values(oracle.made), ...Object.values(oracle.refused)].map(({ bytes }) =>
  Buffer.from(bytes, 'base64'),
)
const index = fc.nat({ max: 4095 })

/**
 * Damage to files: cut short, bytes overwritten, pieces removed or doubled, another file's end.
 */
const damage = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), at: index }),
  fc.record({
    kind: fc.constant('overwrite' as const),
    at: index,
    bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  }),
  // Half of the interesting bytes of a small file are its first ones.
  fc.record({
    kind: fc.constant('overwrite' as const),
    at: fc.nat({ max: 63 }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant('remove' as const), at: index, length: fc.integer({ min: 1, max: 64 }) }),
  fc.record({ kind: fc.constant('double' as const), at: index, length: fc.integer({ min: 1, max: 64 }) }),
  fc.record({ kind: fc.constant('join' as const), at: index, other: fc.nat({ max: files.length - 1 }) }),
)

type Damage = typeof damage extends fc.Arbitrary<infer D> ? D : never

function apply(bytes: Uint8Array, harm: Damage): Uint8Array {
  const at = bytes.length === 0 ? 0 : harm.at % bytes.length
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (harm.kind) {
    case 'cut':
      return before
    case 'overwrite':
      return Buffer.concat([before, harm.bytes, after.subarray(harm.bytes.length)])
    case 'remove':
      return Buffer.concat([before, after.subarray(harm.length)])
    case 'double':
      return Buffer.concat([before, after.subarray(0, harm.length), after])
    case 'join':
      return Buffer.concat([before, files[harm.other]!.subarray(at)])
  }
}

const PIXEL_LIMIT = 250_000
const CASES = 10_000

test(`${CASES} damaged files give a picture of a fitting size or a MediaError`, async () => {
  let refused = 0
  const arbitrary = fc.tuple(fc.constantFrom(...files), fc.array(damage, { minLength: 1, maxLength: 3 }))
  await fc.assert(
    fc.asyncProperty(arbitrary, async ([file, harms]) => {
      try {
        const { width, height, data } = await decodeImage(harms.reduce<Uint8Array>(apply, file), {
          pixelLimit: PIXEL_LIMIT,
        })
        expect(data).toHaveLength(width * height * 3)
        expect(width * height).toBeLessThanOrEqual(PIXEL_LIMIT)
      } catch (error) {
        if (!(error instanceof MediaError)) throw error
        refused++
      }
    }),
    { numRuns: CASES, seed: 4 },
  )
  // Both outcomes must occur often, or the damage is too weak or too strong to tell anything.
  expect(refused).toBeGreaterThan(CASES / 4)
  expect(refused).toBeLessThan(CASES)
})
