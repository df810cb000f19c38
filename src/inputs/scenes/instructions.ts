/**
 * @file Instructions of the queries and pictures of the embedded tasks, in MMEB's words.
 * @see specs/embedded-data.md §5
 */

export const INSTRUCTIONS = {
  group: 'Represent the given image for classification',
  picture: 'Represent the given image.',
  /** Before a question. */
  question: 'Represent the given image with the following question:',
  label: 'Identify the object shown in the image',
  /** Before a caption. */
  captionToPicture: 'Find me an image that matches the given caption:',
  pictureToCaption: 'Find an image caption describing the given image.',
  otherDrawing: 'Find an image of the same thing in another drawing style.',
  /** Before a change in words. */
  change: 'Find a similar image with the described change:',
} as const
