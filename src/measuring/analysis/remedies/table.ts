/** @file The table of remedies. A new one is a file and a row here. */

import { centred } from './centred.ts'
import { linear } from './linear.ts'
import { orthogonal } from './orthogonal.ts'
import type { Remedy } from './remedy.ts'
import { transport } from './transport.ts'
import { whitened } from './whitened.ts'

/** By their names in analysis.json. */
export const remedies = { centred, whitened, linear, orthogonal, transport } as const satisfies Record<
  string,
  Remedy
>
