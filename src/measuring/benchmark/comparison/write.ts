/** @file Writes a comparison: its data as JSON. */

import { join } from 'node:path'
import { canonicalJson } from '../../../foundation/files/canonical-json.ts'
import { writeFileAtomic } from '../../../foundation/files/file.ts'
import { type ComparisonReport, comparisonSchema } from './report.ts'

/**
 * @param out a `.json` file, or a folder that gets `comparison.json`
 * @returns path of the file
 * @throws FileError `file/disk-full`, `file/write`
 */
export async function writeComparison(report: ComparisonReport, out: string): Promise<string> {
  const path = out.endsWith('.json') ? out : join(out, 'comparison.json')
  await writeFileAtomic(path, canonicalJson(comparisonSchema.parse(report)))
  return path
}
