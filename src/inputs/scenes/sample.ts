/** @file A sample of the training streams. */

import type { Description } from './scene.ts'

/**
 * `qa` asks any question of any scene; `count` and `colour` ask how many things there are and what
 * colour a silhouette has; `shapes` asks for silhouettes by their colours and for both together;
 * `silhouette` is `label` of a silhouette; `reading` is a plain text of a caption and questions
 * with their answers; `text` asks of a caption what a picture would be asked, or what words mean,
 * half and half.
 */
export type SampleKind =
  | 'caption'
  | 'qa'
  | 'count'
  | 'colour'
  | 'shapes'
  | 'label'
  | 'silhouette'
  | 'tags'
  | 'group'
  | 'reading'
  | 'text'

/**
 * A picture, a user's text and the answer to learn. The chat template is added by the model's
 * processor.
 */
export interface Sample {
  kind: SampleKind
  /** Null for text-only samples. */
  description: Description | null
  /** Empty in a plain text, which no user asked for: it is learnt from its first word on. */
  prompt: string
  answer: string
}
