const $ = (id) => document.getElementById(id)
const PAUSE_MS = 300
const SHOWN = 8

/** By paragraph, the edit of this page that has not come back yet. What others have written before it is overwritten by it. */
const unconfirmed = new Map()
const timers = new Map()
let lastId
let disconnect = () => {}

/** Fetches the document, and goes on from the edit up to which it is. */
async function load () {
  const answer = await fetch('document')
  if (!answer.ok) throw new Error(`GET /document: ${answer.status}`)
  const { paragraphs, id } = await answer.json()
  unconfirmed.clear()
  paragraphs.forEach(({ text, by }, index) => { show(index, text, by) })
  lastId = id
  connect()
}

function connect () {
  disconnect()
  disconnect = connectToChannel('document', (edit, { id, time }) => {
    lastId = id
    take(edit, time)
  }, {
    since: lastId,
    onState: showState,
    // Edits are missing that cannot be delivered any more: what is on the page is not the document.
    onGap: () => {
      disconnect()
      load().then(() => { notify('More edits were missed than the channel keeps. The document was fetched anew.', 'warn') }, showError)
    }
  })
}

/** Takes an edit that the log has, one's own included: all pages see the same order. */
function take ({ index, text, by, edit }, time) {
  logEdit(index, by, time)
  if (unconfirmed.has(index) && unconfirmed.get(index) !== edit) return
  const own = unconfirmed.delete(index)
  show(index, text, by)
  if (own) return
  const item = $('paragraphs').children[index]
  item.classList.remove('fresh')
  requestAnimationFrame(() => { item.classList.add('fresh') })
}

function show (index, text, by) {
  const item = $('paragraphs').children[index] ?? addParagraph(index)
  const area = item.querySelector('textarea')
  if (area.value !== text) {
    const { selectionStart, selectionEnd } = area
    area.value = text
    if (document.activeElement === area) area.setSelectionRange(selectionStart, selectionEnd)
  }
  fit(area)
  item.querySelector('.by').textContent = by === null ? '' : `Last edit: ${by}`
}

function addParagraph (index) {
  const item = $('paragraph').content.firstElementChild.cloneNode(true)
  const area = item.querySelector('textarea')
  area.setAttribute('aria-label', `Paragraph ${index + 1}`)
  area.addEventListener('input', () => {
    fit(area)
    const edit = crypto.randomUUID()
    unconfirmed.set(index, edit)
    clearTimeout(timers.get(index))
    timers.set(index, setTimeout(() => { send({ index, text: area.value, by: $('name').value.trim() || 'Somebody', edit }) }, PAUSE_MS))
  })
  $('paragraphs').append(item)
  return item
}

async function send (edit) {
  try {
    const answer = await fetch('edits', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(edit) })
    if (!answer.ok) throw new Error((await answer.json()).message)
  } catch (error) {
    // Whether it was applied is not known: the document is.
    showError(error)
    load().catch(showError)
  }
}

function logEdit (index, by, time) {
  const item = document.createElement('li')
  const at = Object.assign(document.createElement('time'), { className: 'hint', textContent: new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' }) })
  item.append(`${by}, paragraph ${index + 1}`, at)
  $('edits').prepend(item)
  while ($('edits').children.length > SHOWN) $('edits').lastElementChild.remove()
  $('none').hidden = true
}

function fit (area) {
  area.style.height = 'auto'
  area.style.height = `${area.scrollHeight + 2}px`
}

function notify (text, kind = '') {
  $('notice').className = `notice ${kind}`
  $('notice').textContent = text
  $('notice').hidden = false
}

function showError (error) {
  notify(error.message, 'bad')
}

function showState (state) {
  $('state').dataset.state = state
  $('state').textContent = state === 'open' ? 'Live' : 'Connecting'
}

$('away').addEventListener('click', () => {
  const away = $('away').getAttribute('aria-pressed') === 'false'
  $('away').setAttribute('aria-pressed', String(away))
  $('away').textContent = away ? 'Come back' : 'Go offline'
  for (const area of $('paragraphs').querySelectorAll('textarea')) area.readOnly = away
  if (away) {
    disconnect()
    $('state').dataset.state = 'closed'
    $('state').textContent = 'Offline'
    notify('You are offline. Edits of others are missed, the last five of them are kept.')
  } else {
    notify('You are back. What you have missed came by itself.', 'good')
    connect()
  }
})
$('name').value = sessionStorage.getItem('name') ?? `Guest ${Math.ceil(Math.random() * 99)}`
$('name').addEventListener('input', () => { sessionStorage.setItem('name', $('name').value) })
addEventListener('resize', () => { for (const area of $('paragraphs').querySelectorAll('textarea')) fit(area) })
load().catch(showError)
