/** The same text by itself: the engine keeps a part of a text, such as of a header or a URL, by keeping all of it. */
export function ownText (text: string): string {
  return Buffer.from(text).toString()
}
