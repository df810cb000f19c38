/**
 * @file Cards of pretrained models whose weights do not ship: `cards/SEED/NAME/README.md` in the
 * package of the twins.
 */

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readText } from '../../foundation/files/file.ts'
import { shippedPackage } from '../../foundation/files/shipped.ts'
import { recordedGates } from '../../learning/pretraining/card.ts'
import type { Gate } from '../../learning/pretraining/gates.ts'

export interface ShippedCard {
  readonly seed: string
  readonly name: string
  readonly path: string
}

/**
 * All cards that ship, by seed.
 * @param folder holds `cards`; default: the package of the twins
 */
export function shippedCards(folder: string | undefined = shippedPackage()): ShippedCard[] {
  const cards = folder === undefined ? undefined : join(folder, 'cards')
  if (cards === undefined || !existsSync(cards)) return []
  return namesIn(cards).flatMap((seed) =>
    namesIn(join(cards, seed)).flatMap((name) => {
      const path = join(cards, seed, name, 'README.md')
      return existsSync(path) ? [{ seed, name, path }] : []
    }),
  )
}

function namesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
    .sort()
}

/** The gates of a shipped card: marked as recorded, and of which seed. @throws FileError */
export async function gatesOfCard({ seed, path }: ShippedCard): Promise<Gate[]> {
  return recordedGates(await readText(path)).map(({ beside = '', ...gate }) => ({
    ...gate,
    beside: beside.replace(/^recorded/, `recorded, seed ${seed}`),
  }))
}
