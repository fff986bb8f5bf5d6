const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*/g

/** A copy of a text: the engine keeps a slice, such as of a header or a URL, by keeping the whole text. */
export function ownText (text: string): string {
  return Buffer.from(text).toString()
}

/** A text as errors may quote it: without the credentials of URLs and without private keys. */
export function withoutCredentials (text: string): string {
  return text.replaceAll(/:\/\/[^/]*@/g, '://[hidden]@').replaceAll(PRIVATE_KEY, '[hidden]')
}
