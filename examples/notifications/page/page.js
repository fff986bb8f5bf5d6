const $ = (id) => document.getElementById(id)
const TOAST_MS = 6_000
const opened = Date.now()
const times = []
let user

/** What was read is remembered for all tabs, by the time of the newest notification. */
const readUntil = () => Number(localStorage.getItem(`read:${user}`))

function showNotice (notice, { time }) {
  times.push(time)
  const item = $('notice').content.firstElementChild.cloneNode(true)
  item.dataset.time = time
  item.querySelector('b').textContent = notice.title
  item.querySelector('.text').textContent = notice.text
  item.querySelector('time').textContent = new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
  $('notices').prepend(item)
  if (time > opened) toast(notice)
  showUnread()
}

function toast ({ title }) {
  const toast = Object.assign(document.createElement('p'), { className: 'toast', textContent: title })
  $('toasts').append(toast)
  setTimeout(() => { toast.remove() }, TOAST_MS)
}

function showUnread () {
  const unread = times.filter((time) => time > readUntil()).length
  $('empty').hidden = times.length > 0
  $('unread').hidden = unread === 0
  $('unread').textContent = `${unread} new`
  $('read').disabled = unread === 0
  document.title = unread === 0 ? 'Notifications' : `(${unread}) Notifications`
  for (const item of $('notices').children) item.classList.toggle('unread', Number(item.dataset.time) > readUntil())
}

$('read').addEventListener('click', () => {
  localStorage.setItem(`read:${user}`, Math.max(...times))
  showUnread()
})
// Another tab has marked them.
addEventListener('storage', showUnread)

async function start () {
  ({ user } = await (await fetch('me')).json())
  $('login').hidden = user !== null
  $('inbox').hidden = $('state').hidden = user === null
  if (user === null) return
  $('whoami').textContent = `You are ${user}`
  connectToChannel(`user:${user}`, showNotice, {
    // Tabs with the same key have one connection: the key is the user's.
    share: user,
    since: 'earliest',
    onState: (state) => {
      $('state').dataset.state = state
      $('state').textContent = { open: 'Live', closed: 'Logged out' }[state] ?? 'Connecting'
    }
  })
}

start()
