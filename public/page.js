'use strict'

const CHANNEL = /^[A-Za-z0-9_][A-Za-z0-9_.:@=+~-]{0,99}$/
const DEFAULT_TOKEN = 'default-secret'
const MAX_MESSAGES = 200
const UNAUTHORIZED = 4401
const STATES = { connecting: 'Connecting', open: 'Live', waiting: 'Reconnecting', closed: 'Stopped' }
const GAPS = {
  epoch: 'The service lost the history of this channel, for example by a restart. Messages from before may be missing here.',
  expired: 'The history does not reach back far enough. Older messages are missing here.'
}

const $ = (id) => document.getElementById(id)
// The page may be served under a prefix.
const base = new URL('./', location.href)

let channel = ''
let disconnect = () => {}
let arrived = []
/** Whether subscribing needs a token here. */
let needsToken = false

/* Watch */

function watch (name) {
  disconnect()
  channel = name
  arrived = []
  $('messages').replaceChildren()
  $('channel').value = name
  $('notice').hidden = true
  document.title = `${name} · Messenger`
  for (const place of document.querySelectorAll('[data-channel]')) place.textContent = name
  if (location.hash.slice(1) !== encodeURIComponent(name)) history.replaceState(null, '', `#${encodeURIComponent(name)}`)
  hideAnswer()
  showList()
  showSnippets()
  disconnect = connectToChannel(name, (message, { id }) => show(messageItem(message, id)), {
    server: base.href,
    since: 'earliest',
    token: () => needsToken ? makeToken(name) : undefined,
    onState: showState,
    onGap: ({ reason }) => show(gapItem(reason)),
    onClose ({ final, reason, code }) {
      if (code === UNAUTHORIZED && !needsToken) {
        needsToken = true
        showSnippets()
      }
      if (final) notify(`The service refused channel ${name}: ${reason || `code ${code}`}.`)
    }
  })
}

/** Has a token made for the page itself, with the publisher's token that stands beside. */
async function makeToken (name) {
  const publisher = $('token').value.trim()
  const response = await fetch(new URL('-/tokens', base), {
    method: 'POST',
    headers: { Authorization: `Bearer ${/^[!-~]+$/.test(publisher) ? publisher : '-'}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ subscribe: [name] })
  })
  const answer = await response.json()
  if (!response.ok) {
    notify(response.status === 501
      ? 'Subscribing needs a token here, and this service does not make any: its tokens come from elsewhere.'
      : 'Subscribing needs a token here. Enter the right publisher’s token under Push, and the page has one made for itself.')
    throw new Error(answer.message)
  }
  $('notice').hidden = true
  return answer.token
}

function showState (state) {
  $('state').dataset.state = state
  $('state-text').textContent = STATES[state]
}

function notify (text) {
  $('notice').textContent = text
  $('notice').hidden = false
}

// A busy channel delivers more often than a screen can show.
function show (item) {
  if (arrived.length === 0) requestAnimationFrame(flush)
  arrived.push(item)
  if (arrived.length > MAX_MESSAGES) arrived.shift()
}

function flush () {
  const list = $('messages')
  list.prepend(...arrived.reverse())
  arrived = []
  while (list.childElementCount > MAX_MESSAGES) list.lastChild.remove()
  showList()
}

function showList () {
  const empty = $('messages').childElementCount === 0
  $('messages').hidden = $('clear').hidden = empty
  $('empty').hidden = !empty
}

function messageItem (message, id) {
  const item = element('li', typeof message === 'string' ? 'text' : 'json')
  const time = element('time', '', new Date().toLocaleTimeString())
  time.dateTime = new Date().toISOString()
  const position = element('span', 'id', id)
  position.title = `Id ${id}`
  item.append(element('pre', '', typeof message === 'string' ? message : pretty(message)), position, time)
  return item
}

function gapItem (reason) {
  return element('li', 'gap', GAPS[reason] ?? 'Some messages were missed here.')
}

function pretty (value) {
  const line = JSON.stringify(value)
  return line.length > 60 ? JSON.stringify(value, null, 2) : line
}

function element (name, className, text) {
  const node = document.createElement(name)
  node.className = className
  if (text !== undefined) node.textContent = text
  return node
}

function channelOfHash () {
  try {
    return decodeURIComponent(location.hash.slice(1))
  } catch {
    return ''
  }
}

function choose (name) {
  const valid = CHANNEL.test(name)
  $('channel').setAttribute('aria-invalid', String(!valid))
  $('channel-error').hidden = valid
  $('channel-error').textContent = name === ''
    ? 'Enter the name of a channel.'
    : valid ? '' : 'A channel has 1 to 100 letters, digits and _ . : @ = + ~ -, and begins with a letter, a digit or _.'
  if (valid && name !== channel) watch(name)
}

$('channel-form').addEventListener('submit', (event) => {
  event.preventDefault()
  choose($('channel').value.trim())
})
$('clear').addEventListener('click', () => {
  $('messages').replaceChildren()
  showList()
  $('channel').focus()
})
addEventListener('hashchange', () => {
  if (channelOfHash()) choose(channelOfHash())
})

/* Push */

function readMessage () {
  const text = $('message').value
  try {
    return { kind: 'JSON', message: JSON.parse(text) }
  } catch {
    return { kind: 'text', message: text }
  }
}

function hideAnswer () {
  $('answer').hidden = $('push-error').hidden = true
  $('token').removeAttribute('aria-invalid')
}

function fail (text, field) {
  $('push-error').textContent = text
  $('push-error').hidden = false
  if (field === undefined) return
  if (field === 'token') $('token').setAttribute('aria-invalid', 'true')
  $(field).focus()
}

function succeed ({ id, subscribers }) {
  const who = subscribers === 0 ? 'Kept; nobody is subscribed' : `Delivered to ${subscribers} ${subscribers === 1 ? 'subscriber' : 'subscribers'}`
  $('answer').replaceChildren(who, element('span', 'id', id))
  $('answer').hidden = false
}

async function push () {
  hideAnswer()
  const { message } = readMessage()
  const token = $('token').value.trim()
  if (token === '') return fail('Enter the token: pushing is only for those who have it.', 'token')
  if (message === '' || message === null) return fail('There is no message. Anything but null and an empty text can be pushed.', 'message')
  // Headers cannot carry anything else.
  if (!/^[!-~]+$/.test(token)) return fail('The token contains a character that no token has, such as a space.', 'token')
  const name = channel
  $('send').setAttribute('aria-disabled', 'true')
  try {
    const response = await fetch(new URL(`send/${encodeURIComponent(name)}`, base), {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ message })
    })
    const answer = await response.json().catch(() => ({}))
    if (response.ok) succeed(answer)
    else if (response.status === 401 || response.status === 403) fail(`The token is wrong: the service answered ${response.status}, and nothing was pushed.`, 'token')
    else fail(`The service answered ${response.status}: ${answer.message || response.statusText}`)
  } catch {
    fail('The service cannot be reached. Nothing is known about this message; try again.')
  } finally {
    $('send').removeAttribute('aria-disabled')
  }
}

$('push-form').addEventListener('submit', (event) => {
  event.preventDefault()
  if ($('send').getAttribute('aria-disabled') !== 'true') push()
})
$('message').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) $('push-form').requestSubmit()
})
$('reveal').addEventListener('click', () => {
  const shown = $('token').type === 'text'
  $('token').type = shown ? 'password' : 'text'
  $('reveal').textContent = shown ? 'Show' : 'Hide'
  $('reveal').setAttribute('aria-pressed', String(!shown))
})
$('token').addEventListener('input', () => {
  $('token').removeAttribute('aria-invalid')
  showSnippets()
})
$('token').addEventListener('change', () => {
  if (needsToken && $('state').dataset.state !== 'open') watch(channel)
})
$('message').addEventListener('input', () => {
  const { kind } = readMessage()
  // A status that is set again is read out again.
  if ($('kind').textContent !== kind) $('kind').textContent = kind
  showSnippets()
})

/* Snippets */

function showSnippets () {
  const { message } = readMessage()
  const root = base.href.replace(/\/$/, '')
  const path = encodeURIComponent(channel)
  const body = JSON.stringify({ message: message === '' || message === null ? 'Hello, world' : message }).replaceAll("'", "'\\''")
  // A real token does not belong on the screen.
  const token = $('token').value.trim() === DEFAULT_TOKEN ? DEFAULT_TOKEN : '$TOKEN'
  $('curl').textContent = `curl '${root}/send/${path}' \\\n  -H "Authorization: Bearer ${token}" \\\n  -H 'Content-Type: application/json' \\\n  -d '${body}'`
  $('script').textContent = `<script src="${root}/client.js"\n        data-server="${root}"></script>\n<script>\n  const disconnect = connectToChannel('${channel}', (message) => {\n    console.log(message)\n  }${needsToken ? ', { token: () => fetchTokenFromBackend() }' : ''})\n</script>`
  $('stream').textContent = `curl -N -H 'Accept: application/x-ndjson' ${needsToken ? '-H "Authorization: Bearer $TOKEN" ' : ''}'${root}/${path}'`
}

async function copy (button) {
  const source = $(button.dataset.copy)
  try {
    await navigator.clipboard.writeText(source.textContent)
  } catch {
    // Without HTTPS there is no clipboard: the text is selected, and copied the old way if that works.
    getSelection().selectAllChildren(source)
    if (!document.execCommand('copy')) return
  }
  button.textContent = 'Copied'
  $('copied').textContent = 'Copied'
  setTimeout(() => {
    button.textContent = 'Copy'
    $('copied').textContent = ''
  }, 1500)
}

for (const button of document.querySelectorAll('[data-copy]')) button.addEventListener('click', () => copy(button))

/* Start */

if (/Mac|iPhone|iPad/.test(navigator.platform)) $('shortcut').textContent = '⌘ ↵'
// A service with the token that everybody knows listens on this machine only.
if (/^(localhost|127\.|\[::1\])/.test(location.hostname)) $('token').value = DEFAULT_TOKEN
watch(CHANNEL.test(channelOfHash()) ? channelOfHash() : 'lobby')
