const ROOMS = ['garden', 'kitchen', 'workshop']
const $ = (id) => document.getElementById(id)

/** The members of each room, by name. */
const members = new Map(ROOMS.map((room) => [room, new Set()]))
let me = sessionStorage.getItem('name')
let session
let room
let leaveRoom = () => {}

/** Asks the app for a token. The client calls this for each connection, and again before a token expires. */
async function token () {
  const answer = await fetch('/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: me }) })
  if (!answer.ok) throw new Error(`POST /session: ${answer.status}`)
  session = (await answer.json()).token
  return session
}

/** Publishes from the page: the claim `send` of the token allows it. The key makes a repetition harmless. */
async function publish (channel, message, key = crypto.randomUUID()) {
  const send = () => fetch(`/rt/send/${channel}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${session}`, 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ message })
  })
  let answer = await send()
  if (answer.status === 401) {
    await token()
    answer = await send()
  }
  if (!answer.ok) throw new Error((await answer.json()).message)
}

/** Keeps the members of a room: the list, and from its id on the changes. Behind a gap the list is taken again. */
async function followMembers (room) {
  const channel = `room:${room}~presence`
  const answer = await fetch(`/rt/${channel}`, { headers: { accept: 'application/json', authorization: `Bearer ${session}` } })
  if (!answer.ok) throw new Error(`GET ${channel}: ${answer.status}`)
  const list = await answer.json()
  members.set(room, new Set(list.members.map(({ sub }) => sub)))
  showMembers()
  const disconnect = connectToChannel(channel, ({ join, leave }) => {
    if (join !== undefined) members.get(room).add(join)
    if (leave !== undefined) members.get(room).delete(leave)
    showMembers()
  }, { token, since: list.id, onGap: () => { disconnect(); followMembers(room).catch(showProblem) } })
}

/** Leaves the room and enters another one: members of a room are those that are subscribed to it. */
function enter (next) {
  leaveRoom()
  room = next
  $('messages').replaceChildren()
  $('room-title').textContent = room
  leaveRoom = connectToChannel(`room:${room}`, showMessage, {
    token,
    since: 'earliest',
    onState: showState,
    onGap: () => { $('messages').append(Object.assign(document.createElement('li'), { className: 'gap hint', textContent: 'Older messages are gone' })) }
  })
  showMembers()
}

// A name in a message is what the page that sent it says. An app that has to know publishes by a route of its own instead.
function showMessage (message, { time }) {
  if (typeof message?.text !== 'string' || typeof message.name !== 'string') return
  const item = $('message').content.firstElementChild.cloneNode(true)
  item.classList.toggle('mine', message.name === me)
  paint(item.querySelector('.avatar'), message.name)
  item.querySelector('b').textContent = message.name
  item.querySelector('time').textContent = new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
  item.querySelector('.text').textContent = message.text
  $('messages').append(item)
  $('log').scrollTop = $('log').scrollHeight
}

function showMembers () {
  $('rooms').replaceChildren(...ROOMS.map((name) => {
    const count = members.get(name).size
    const item = document.createElement('li')
    const button = document.createElement('button')
    button.append(name, Object.assign(document.createElement('span'), { className: 'badge', textContent: count }))
    button.setAttribute('aria-label', `${name}, ${count} ${count === 1 ? 'member' : 'members'}`)
    button.setAttribute('aria-pressed', String(name === room))
    button.dataset.room = name
    item.append(button)
    return item
  }))
  $('members').replaceChildren(...[...members.get(room)].sort().map((name) => {
    const item = document.createElement('li')
    const avatar = Object.assign(document.createElement('span'), { className: 'avatar' })
    avatar.setAttribute('aria-hidden', 'true')
    paint(avatar, name)
    item.append(avatar, name)
    return item
  }))
}

function paint (avatar, name) {
  avatar.textContent = [...name][0].toUpperCase()
  avatar.dataset.hue = [...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 6
}

function showState (state) {
  $('state').dataset.state = state
  $('state').textContent = { open: 'Live', closed: 'Closed' }[state] ?? 'Connecting'
}

function showProblem (error) {
  $('problem').textContent = error.message
  $('problem').hidden = false
}

async function join () {
  sessionStorage.setItem('name', me)
  await token()
  $('join').hidden = true
  $('chat').hidden = $('state').hidden = false
  $('whoami').textContent = `You are ${me}`
  enter(ROOMS[0])
  $('text').focus()
  await Promise.all(ROOMS.map(followMembers))
}

$('join').addEventListener('submit', (event) => {
  event.preventDefault()
  me = $('name').value.trim()
  if (me !== '') join().catch(showProblem)
})
$('rooms').addEventListener('click', ({ target }) => {
  const next = target.closest('button')?.dataset.room
  if (next === undefined || next === room) return
  enter(next)
  $('rooms').querySelector('[aria-pressed=true]').focus()
})
$('compose').addEventListener('submit', async (event) => {
  event.preventDefault()
  const text = $('text').value.trim()
  if (text === '') return
  try {
    await publish(`room:${room}`, { name: me, text })
    $('text').value = ''
    $('problem').hidden = true
  } catch (error) {
    showProblem(error)
  }
})
if (me !== null) join().catch(showProblem)
