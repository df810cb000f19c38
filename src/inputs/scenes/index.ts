/**
 * @file The embedded pictures: concepts, worlds, scenes, texts, training streams and tasks. Pure
 * and seeded but for reading `data/`.
 */

export { COLOURS } from './colours.ts'
export { type Concept, type StyleName, TRAINING_STYLES } from './concepts.ts'
export { draw, type Redraw } from './draw.ts'
export { Drawing } from './drawing.ts'
export { INSTRUCTIONS } from './instructions.ts'
export {
  CAPTION_PROMPTS,
  type CaptionPair,
  captionPair,
  pretrainingSample,
  type Sample,
  type SampleKind,
  type SampleOptions,
} from './samples.ts'
export {
  type Content,
  type Description,
  type Part,
  PICTURE,
  type Place,
  pictureKey,
  place,
  type Relation,
  type SceneKind,
  type SceneUse,
  single,
} from './scene.ts'
export { loadSheets, type Sheets } from './sheets.ts'
export type { Limits, Rung, TaskChoice } from './tasks/suite.ts'
export type { Captions, Question, QuestionType } from './texts.ts'
export { loadWorld, type World, type WorldName } from './world.ts'
