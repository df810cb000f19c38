/** @file The embedded pictures: concepts, worlds, scenes, texts, training streams and tasks. Pure and seeded but for reading `data/`. */

export { COLOURS } from './colours.ts'
export { BLOB, type Concept, GLOSSY, hasStyle, STYLES, type StyleName, TRAINING_STYLES } from './concepts.ts'
export { draw, type Redraw } from './draw.ts'
export { ScenesError } from './errors.ts'
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
  contentKey,
  type Description,
  describe,
  isReserved,
  PATCH,
  type Part,
  PICTURE,
  type Place,
  pictureKey,
  place,
  type Relation,
  SCENE_KINDS,
  type SceneKind,
  type SceneUse,
  single,
} from './scene.ts'
export { loadSheets, type Sheets } from './sheets.ts'
export {
  buildTasks,
  COMPLETE_LIMITS,
  type EmbeddedTask,
  type Item,
  type Limits,
  type MetaTask,
  QUICK_LIMITS,
  type Row,
  type Rung,
  TASK_NAMES,
  type TaskChoice,
} from './tasks/index.ts'
export { type Captions, captions, type Question, type QuestionType, questions } from './texts.ts'
export { loadWorld, makeWorld, type World, type WorldName } from './world.ts'
