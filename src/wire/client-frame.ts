/** A frame of a client on a WebSocket that has asked for `frames`. */
export type ClientFrame =
  | { readonly subscribe: string, readonly since: string | undefined }
  | { readonly unsubscribe: string }
  | { readonly token: string }
  | { readonly ack: string, readonly channel: string }

/** Longest frame in bytes. */
export const MAX_FRAME_BYTES = 12_288

/** The properties of each frame besides the one that names it. */
const ALLOWED = { subscribe: ['since'], unsubscribe: [], token: [], ack: ['channel'] } satisfies Record<string, string[]>

/** The frame of a text, or `undefined` where the text is none: it is ignored. */
export function parseClientFrame (text: string): ClientFrame | undefined {
  const value = parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const names = Object.keys(ALLOWED).filter((name) => Object.hasOwn(value, name)) as (keyof typeof ALLOWED)[]
  const [name] = names
  if (name === undefined || names.length > 1) return undefined
  const fields = value as Record<string, unknown>
  if (!Object.entries(fields).every(([key, field]) => typeof field === 'string' && (key === name || (ALLOWED[name] as string[]).includes(key)))) return undefined
  if (name === 'ack' && fields['channel'] === undefined) return undefined
  return (name === 'subscribe' ? { since: undefined, ...fields } : fields) as unknown as ClientFrame
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
