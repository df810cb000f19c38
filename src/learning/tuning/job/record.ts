/** @file Reads the record of a finished tuning, `tuning.json` in its folder. */

import { readJson } from '../../../foundation/files/file.ts'
import { type TuningRecord, tuningRecordSchema } from './record-form.ts'

export const RECORD = 'tuning.json'

/** @throws FileError `file/missing`, `file/json`, `file/schema` */
export async function readTuningRecord(path: string): Promise<TuningRecord> {
  return await readJson(path, tuningRecordSchema)
}
