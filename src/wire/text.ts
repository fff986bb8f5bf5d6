const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*/g

/** A copy of a text: a slice, such as of a header or a URL, would keep the whole text in memory. */
export function ownText (text: string): string {
  return Buffer.from(text).toString()
}

/** A text for a quotation in errors: without the credentials of URLs and without private keys. */
export function withoutCredentials (text: string): string {
  return text.replaceAll(/:\/\/[^/]*@/g, '://[hidden]@').replaceAll(PRIVATE_KEY, '[hidden]')
}
