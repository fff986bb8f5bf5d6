import { base } from '../service/api.js'
import type { SubscriberToken } from '../service/subscriber-token.js'
import { copy } from './copying.js'
import { byId, setText } from './dom.js'
import type { PublishView } from './publish-view.js'

/** The client's file with the version, and its hash: the build puts them here. */
declare const CLIENT_NAME: string
declare const CLIENT_INTEGRITY: string

/** Commands and code for the channel and the message of the form. They name no token: it does not belong on the screen. */
export function showSnippets (publish: PublishView, subscriber: SubscriberToken): void {
  const draw = (): void => {
    const { channel, input } = publish
    const { needed } = subscriber
    const root = base.href.replace(/\/$/, '')
    const path = encodeURIComponent(channel)
    const body = `{"message":${'json' in input ? input.json : '"Hello, world"'}}`.replaceAll("'", "'\\''")
    setText(byId('curl'), `curl '${root}/send/${path}' \\\n  -H "Authorization: Bearer $TOKEN" \\\n  -H 'Content-Type: application/json' \\\n  -d '${body}'`)
    setText(byId('script'), `<script src="${root}/${CLIENT_NAME}"\n        integrity="${CLIENT_INTEGRITY}"\n        crossorigin data-server="${root}"></script>\n<script>\n  const disconnect = connectToChannel('${channel}', (message) => {\n    console.log(message)\n  }${needed ? ', { token: () => fetchTokenFromBackend() }' : ''})\n</script>`)
    setText(byId('stream'), `curl -N -H 'Accept: application/x-ndjson' ${needed ? '-H "Authorization: Bearer $TOKEN" ' : ''}'${root}/${path}'`)
  }
  publish.changed.on(draw)
  subscriber.changed.on(draw)
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-copy]')) {
    button.addEventListener('click', () => { void copy(byId(button.dataset['copy'] ?? '').textContent, button) })
  }
  draw()
}
