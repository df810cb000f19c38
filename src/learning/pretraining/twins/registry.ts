/** @file All twins. Adding one adds a file here and a line below. */

import type { Twin } from './twin.ts'
import { twinAr } from './twin-ar.ts'
import { twinDiffusion } from './twin-diffusion.ts'

export const TWINS: readonly Twin[] = [twinAr, twinDiffusion]
