/**
 * @file The page of an analysis: measures of each subject, layer curves, differences, remedies,
 * ablations, and which measure predicts the score.
 */

import type { Analysis } from '../../../analysis/analysis.ts'
import type { Aligned, ResultsModel } from '../../results.ts'
import { alignment } from '../alignment.ts'
import { h } from '../element.ts'
import { header } from '../header.ts'
import { ablations } from './ablations.ts'
import { about } from './about.ts'
import { comparison } from './differences.ts'
import { fused } from './fused.ts'
import { prediction } from './prediction.ts'
import { remedies } from './remedies.ts'
import { sentenceOf } from './sentence.ts'

export function analysisPage(analysis: Analysis): HTMLElement {
  const aligned = alignedOf(analysis)
  const sections = [
    alignment(aligned),
    ...analysis.comparisons.map((one, index) => comparison(analysis, one, index)),
    ...analysis.remedies.map((one, index) => remedies(analysis, one, index)),
    ...analysis.ablations.map((one, index) => ablations(analysis, one, index)),
    fused(analysis, aligned),
    prediction(analysis),
    about(analysis),
  ]
  const parts = sections.filter((part) => part !== null)
  return h(
    'div',
    { class: 'page' },
    header(
      {
        kind: 'analysis',
        title: analysis.subjects.map(({ label }) => label).join(' and ') || 'Analysis',
        byline: bylineOf(analysis),
        command: undefined,
        models: [],
        criteria: [],
        verdict: h('div', { class: 'finding' }, h('p', { class: 'sentence' }, sentenceOf(analysis))),
      },
      parts,
      new Map(parts.map((part) => [part.id, part.querySelector('h2')?.textContent ?? part.id])),
    ),
    h('main', {}, ...parts),
    h('footer', {}, h('p', {}, 'All numbers: the JSON file of the analysis.')),
  )
}

function bylineOf({ subjects, setting }: Analysis): string {
  const pairs = [...new Set(subjects.map((subject) => subject.pairs.toLocaleString('en')))]
  const drawn = `${setting.resamples.toLocaleString('en')} resamples, seed ${setting.seed}`
  return `${pairs.join(', ')} pairs of image and text, ${drawn}`
}

/** Subjects as models of the page: nobody says how they were trained. */
function alignedOf({ subjects, measures }: Analysis): Aligned {
  return {
    models: subjects.map(
      ({ id, label, readout }): ResultsModel => ({
        id,
        label,
        role: 'checkpoint',
        state: 'none',
        family: null,
        objective: 'none',
        attention: 'none',
        hash: null,
        parameters: null,
        ...(readout === null ? {} : { readout }),
      }),
    ),
    measures: measures.map(({ name, label, direction, meaning, source }) => ({
      name,
      label,
      direction,
      meaning,
      source,
    })),
    alignment: subjects.flatMap(({ id, figures }) => figures.map((one) => ({ model: id, ...one }))),
  }
}
