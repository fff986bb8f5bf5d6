const $ = (id) => document.getElementById(id)
const open = (path) => new WebSocket(`${location.origin.replace('http', 'ws')}${path}`)

connectToChannel('news', ({ number }) => { $('news').textContent = `News ${number}` })
$('publish').addEventListener('click', () => { fetch('news', { method: 'POST' }) })

// Unlike the client of the messenger these do not come back by themselves.
const echo = open('/echo')
echo.addEventListener('message', ({ data }) => { $('answer').textContent = data })
$('ask').addEventListener('click', () => { echo.send('hello') })

let waves = 0
const cursors = open('/cursors')
cursors.addEventListener('message', ({ data }) => { $('others').textContent = data })
$('wave').addEventListener('click', () => { cursors.send(`Wave ${++waves} of another page`) })
