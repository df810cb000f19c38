/** @file Writes the folder of a finished tuning: adapter, contract, golden vectors, card. */

import { copyFile, cp, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { stringify } from 'yaml'
import { writeFailure } from '../../../foundation/files/errors.ts'
import { makeFolder, writeFileAtomic } from '../../../foundation/files/file.ts'
import type { RgbImage } from '../../../inputs/media/image.ts'
import { type GoldenItem, recordGolden } from '../../../models/embedder/golden/record.ts'
import { type SampleItem, sampleItems } from '../../../models/embedder/sample-items.ts'
import { writeTrained } from '../tuned-folder.ts'
import { cardText, SETTINGS } from './card.ts'
import type { OpenedJob } from './opened.ts'
import type { Places } from './places.ts'
import { RECORD } from './record.ts'
import type { TuningRecord } from './record-form.ts'

/** The log of a training, in the finished folder. */
const METRICS = 'metrics.jsonl'
/** Files for TensorBoard, in the work folder and in the finished one. */
export const EVENTS = 'events'

/** Elements of vectors in fewer bits differ more from machine to machine. */
const REDUCED_TOLERANCE = 1e-2

/**
 * Makes the folder whole in `places.draft`. A random decoder has no checkpoint that an adapter
 * could be for: of the control, only record, log and settings are written.
 * @param log of the training
 */
export async function writeDraft(
  { settings, model, trained }: OpenedJob,
  record: TuningRecord,
  { places: { draft }, log, signal }: { places: Places; log: string; signal?: AbortSignal },
): Promise<void> {
  await rm(draft, { recursive: true, force: true })
  await makeFolder(draft)
  if (!settings.randomDecoder) {
    const contract = { ...model.contract, dtype: settings.dtype ?? model.contract.dtype }
    await writeTrained(draft, { model: { ...model, contract }, trained, signal })
    const { device, threads } = settings
    await recordGolden(draft, await goldenItems(draft), draft, {
      device,
      ...(threads !== null && { threads }),
      ...(contract.dtype === 'f32' ? {} : { tolerance: REDUCED_TOLERANCE }),
      signal,
    })
    await writeFileAtomic(join(draft, 'README.md'), cardText(record))
  }
  try {
    await copyFile(log, join(draft, METRICS))
    if (settings.tensorboard) await cp(join(dirname(log), EVENTS), join(draft, EVENTS), { recursive: true })
  } catch (cause) {
    throw writeFailure(join(draft, METRICS), cause)
  }
  await writeFileAtomic(join(draft, SETTINGS), stringify(record.settings))
  // Last: a folder that has it is whole.
  await writeFileAtomic(join(draft, RECORD), `${JSON.stringify(record, undefined, 1)}\n`)
}

/** Drawn, not of the user's data, so that the folder can be given away. */
async function goldenItems(dir: string): Promise<GoldenItem[]> {
  const chosen = sampleItems().filter(({ kind }, at) => kind === 'text' || at % 3 === 0)
  const items: GoldenItem[] = []
  for (const { item } of chosen) {
    const picture = pictureOf(item)
    if (picture === undefined) items.push({ text: item.text })
    else
      items.push({
        ...(item.text !== undefined && { text: item.text }),
        image: await savedPicture(dir, picture),
      })
  }
  return items
}

async function savedPicture(dir: string, { width, height, data }: RgbImage): Promise<string> {
  const png = await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer()
  const path = join(dir, 'golden.png')
  await writeFileAtomic(path, png)
  return path
}

function pictureOf({ image }: SampleItem['item']): RgbImage | undefined {
  return typeof image === 'object' && 'width' in image ? image : undefined
}
