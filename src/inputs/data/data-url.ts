/** @file Pictures that stand in a text as `data:` URLs. */

const IMAGE = /^data:image\/[\w.+-]+(?:;[\w.+-]+=[\w.+-]+)*;base64,/i

/** Of the only `data:` URLs that are read, for messages. */
export const DATA_URL_FORM = 'a data URL that begins with data:image/…;base64,'

export function isDataUrl(text: string): boolean {
  return /^data:/i.test(text)
}

/** The bytes of a picture in base64; undefined for any other text. */
export function dataUrlBytes(text: string): Uint8Array | undefined {
  const start = IMAGE.exec(text)
  return start === null ? undefined : Buffer.from(text.slice(start[0].length), 'base64')
}
