/** @file All twins. Adding one adds a file here and a line below. */

import type { Twin } from './twin.ts'
import { twinAdapted } from './twin-adapted.ts'
import { twinAr } from './twin-ar.ts'
import { twinArDiscrete } from './twin-ar-discrete.ts'
import { twinArUnaligned } from './twin-ar-unaligned.ts'
import { twinDiffusion } from './twin-diffusion.ts'
import { twinDiffusionHalf } from './twin-diffusion-half.ts'
import { twinDiffusionUnaligned } from './twin-diffusion-unaligned.ts'
import { twinDiscrete } from './twin-discrete.ts'
import { twinDiscrete6 } from './twin-discrete-6.ts'
import { twinDiscreteAligned } from './twin-discrete-aligned.ts'

export const TWINS: readonly Twin[] = [
  twinAr,
  twinDiffusion,
  twinArDiscrete,
  twinDiscrete,
  twinDiffusionHalf,
  twinAdapted,
  twinArUnaligned,
  twinDiffusionUnaligned,
  twinDiscreteAligned,
  twinDiscrete6,
]
