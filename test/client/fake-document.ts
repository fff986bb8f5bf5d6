/** Stands for the page's document; imported before the client, which reads it once, when it is loaded. */
export const fakeDocument: {
  hidden: boolean
  baseURI?: string
  querySelector?: (selector: string) => unknown
  currentScript: { dataset: Record<string, string> } | null
} = { hidden: false, currentScript: null }

Object.assign(globalThis, { document: fakeDocument })
