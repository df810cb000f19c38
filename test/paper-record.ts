/** @file Records of the plan `paper`, made by hand. */

import type { Hits, PaperRecord, RecordedState } from '../src/measuring/study/paper/record.ts'

/** A state with these hits by task, and no measures. */
export function recordedState(
  hits: Readonly<Record<string, Hits>>,
  measured: Partial<RecordedState> = {},
): RecordedState {
  return { readout: 'mean', byReadout: {}, hits: { ...hits }, alignment: {}, remedies: {}, ...measured }
}

/** A run of the design: all rows, tuning 7, the model's own mask. */
export function paperRecord(
  own: Pick<PaperRecord, 'arm' | 'pretraining' | 'untuned' | 'tuned'> & Partial<PaperRecord>,
): PaperRecord {
  return {
    id: `${own.arm}-${own.pretraining}-${own.tuning ?? 7}`,
    tuning: 7,
    mask: 'native',
    condition: 'plain',
    share: 1,
    model: `${own.arm} ${own.pretraining}`,
    parameters: 1,
    layers: {},
    ...own,
  }
}
