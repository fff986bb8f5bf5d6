import { tailsOf } from './live/address.js'
import { Feeds } from './live/feeds.js'
import { base } from './service/api.js'
import { ChannelDetails } from './service/channel-details.js'
import { ChannelList } from './service/channel-list.js'
import { Health } from './service/health.js'
import { Metrics } from './service/metrics.js'
import { Session } from './service/session.js'
import { SubscriberToken } from './service/subscriber-token.js'
import { Announcer } from './view/announcer.js'
import { ChannelsView } from './view/channels-view.js'
import { DetailsView } from './view/details-view.js'
import { byId, setText, showText } from './view/dom.js'
import { MetricsView } from './view/metrics-view.js'
import { Pages } from './view/pages.js'
import { PublishView } from './view/publish-view.js'
import { showSnippets } from './view/snippets-view.js'
import { StatusView } from './view/status-view.js'
import { TailsView } from './view/tails-view.js'
import { TokenView } from './view/token-view.js'

/** The token of a service without `BEARER_TOKEN`, which listens on this machine only. */
const DEFAULT_TOKEN = 'default-secret'

const session = new Session()
const subscriber = new SubscriberToken(session)
const feeds = new Feeds({ server: base.href, token: subscriber.get })
const health = new Health()
const list = new ChannelList(session)
const details = new ChannelDetails(session)

const pages = new Pages()
const tails = new TailsView(feeds)
const token = new TokenView(session)
const publish = new PublishView(session, token, tails)
new StatusView(feeds, health)
new MetricsView(new Metrics(session))
new ChannelsView(list, tails, details)
new DetailsView(details, session, (channel) => {
  pages.reveal(byId('publish-form'))
  publish.channel = channel
})
showSnippets(publish, subscriber)
new Announcer(feeds)

feeds.unauthorized.on(() => { subscriber.need() })
subscriber.changed.on(() => { showText(byId('notice'), subscriber.problem) })
session.changed.on(() => { if (session.role !== undefined && subscriber.needed) feeds.reconnect() })
if (/Mac|iPhone|iPad/.test(navigator.userAgent)) setText(byId('shortcut'), '⌘ ↵')
if (/^(localhost|127\.|\[::1\])/.test(location.hostname)) token.value = DEFAULT_TOKEN

const asked = tailsOf(location.hash)
tails.show(asked.length > 0 ? asked : [['lobby']])
health.start()
void session.resume()
