/** @file Errors of rows that are no pairs. */

import { ItemError } from '../errors.ts'

/**
 * A row that cannot be read.
 * @param place the file and the row
 * @param why in words
 */
export function lineProblem(place: string, why: string, cause?: unknown): ItemError {
  return new ItemError('line', {
    message: `${place}: ${why}`,
    hint: 'A line is a JSON object such as {"query": "a cat", "target": {"image": "cat.png"}, "negatives": ["a dog"]}.',
    cause,
  })
}

/**
 * A row that is no pair.
 * @param place the file and the row
 */
export function pairProblem(place: string, why: string, cause?: unknown): ItemError {
  return new ItemError('pair', {
    message: `${place}: ${why}`,
    hint: 'A pair has a query and a target, which differ, each with a text or pictures; docs/data.md shows every form.',
    cause,
  })
}
