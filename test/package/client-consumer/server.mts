// Renders the hook on a server, where nothing is connected.
import { useChannel } from 'fastify-messenger-client/react'
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'

function Room ({ channel }: { channel: string | null }) {
  const { state } = useChannel(channel, () => {})
  return createElement('p', null, state)
}

console.log(['room1', null].map((channel) => renderToString(createElement(Room, { channel }))).join(' '))
