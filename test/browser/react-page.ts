// A page of react.test.ts: a list of rooms, each a component with the hook, which the test changes from outside.
import { useChannel } from 'fastify-messenger-client/react'
import { Component, createElement, type ReactNode, StrictMode, useEffect } from 'react'
import { createRoot } from 'react-dom/client'

/** Properties of a room. */
export interface RoomProps {
  id: string
  channel: string | null
  /** Makes the callbacks other functions. */
  version?: number
  server?: string
  since?: string
  /** `inline`: a function that is written anew at each render; `shared`: always the same; otherwise a string. */
  token?: string
}

export interface RoomsWindow {
  /** The calls of the callbacks, in order: `[room, version of the callback, kind, content]`. */
  told: [id: string, version: number, kind: string, content: unknown][]
  states: Record<string, string>
  renders: number
  show: (rooms: RoomProps[]) => void
}

const page = window as unknown as RoomsWindow
Object.assign(page, { told: [], states: {}, renders: 0 })

const sharedToken = (channels: string[]): string => {
  page.told.push(['shared', 0, 'token', channels])
  return ''
}

function Room ({ id, channel, version = 0, server, since, token }: RoomProps): ReactNode {
  const tell = (kind: string, content: unknown): void => { page.told.push([id, version, kind, content]) }
  const inlineToken = (channels: string[]): string => {
    tell('token', channels)
    return ''
  }
  const { state } = useChannel(channel, (message) => { tell('message', message) }, {
    server,
    since,
    token: token === 'inline' ? inlineToken : token === 'shared' ? sharedToken : token,
    onOpen: () => { tell('open', channel) },
    onGap: ({ reason }) => { tell('gap', reason) },
    onClose: ({ code, final }) => { tell('close', [code, final]) }
  })
  page.renders++
  useEffect(() => { page.states[id] = state })
  return createElement('p', { id }, state)
}

class Boundary extends Component<{ id: string, children: ReactNode }> {
  override readonly state: { error?: Error } = {}

  static getDerivedStateFromError (error: Error): object {
    return { error }
  }

  override render (): ReactNode {
    const { error } = this.state
    return error === undefined ? this.props.children : createElement('p', { id: this.props.id }, String(error))
  }
}

const root = createRoot(document.querySelector('main') as HTMLElement)
page.show = (rooms) => {
  const list = rooms.map((props) => createElement(Boundary, { key: props.id, id: props.id, children: createElement(Room, props) }))
  root.render(createElement(StrictMode, null, list))
}
