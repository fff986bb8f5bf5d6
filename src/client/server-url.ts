/** Absent in workers and when a server renders the page. */
export const page = (globalThis as { document?: Partial<Document> }).document

// Only known while the script tag's own code runs, and never in a module, whose tag has to be looked for.
const script = (page?.currentScript ?? page?.querySelector?.('script[data-server]')) as HTMLElement | null | undefined

/** Where relative addresses begin. A frame's own address may be `about:srcdoc`, a worker's `blob:https://…`; Node has none. */
const base = () => (globalThis as Partial<typeof globalThis>).location?.href.replace(/^about.*/, page?.baseURI as string).replace('blob:', '')

/** The channel's URL; not with `http` at its beginning where the server is not a web address. May throw a `TypeError`, too. */
export const channelUrl = (
  channel: string, server: string | undefined, { origin, pathname } = new URL(server || script?.dataset['server'] || '/', base())
): string => origin.replace(/^ws/, 'http') + pathname.replace(/\/*$/, '/') + channel
