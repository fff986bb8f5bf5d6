const $ = (id) => document.getElementById(id)
const WIDTH = 7
const HEIGHT = 6
const NAMES = { red: 'Red', yellow: 'Yellow' }

let id = location.hash.slice(1)
/** The seat of this tab, if it has one: the player and the key by which the server knows them. */
let seat = JSON.parse(sessionStorage.getItem(`seat:${id}`))
const seats = new Set()
const moves = []

async function post (url, body) {
  const answer = await fetch(url, { method: 'POST', ...body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } })
  if (!answer.ok) throw new Error((await answer.json()).message)
  $('problem').hidden = true
  return answer.status === 204 ? undefined : await answer.json()
}

function take (taken) {
  seat = taken
  sessionStorage.setItem(`seat:${taken.id}`, JSON.stringify(taken))
}

/** Opens the match: the log from its beginning, and what follows. */
function open () {
  $('start').hidden = true
  $('match').hidden = $('state').hidden = false
  connectToChannel(`match:${id}`, (message) => {
    if (message.seat !== undefined) seats.add(message.seat)
    else takeMove(message)
    show()
  }, {
    since: 'earliest',
    onGap: () => { showProblem(new Error('The beginning of this match is gone')) },
    onState: (state) => {
      $('state').dataset.state = state
      $('state').textContent = { open: 'Live', closed: 'Closed' }[state] ?? 'Connecting'
    }
  })
  show()
}

function takeMove (move) {
  // Those who look at an earlier position stay there.
  const atEnd = Number($('step').value) === moves.length
  moves.push(move)
  const item = document.createElement('li')
  item.className = move.player
  item.textContent = `${NAMES[move.player]}, column ${move.column + 1}`
  $('moves').append(item)
  $('moves').scrollTop = $('moves').scrollHeight
  $('step').max = moves.length
  if (atEnd) $('step').value = moves.length
}

/** Shows the position after the move that the slider names. */
function show () {
  const step = Number($('step').value)
  const shown = moves.slice(0, step)
  for (const cell of $('board').querySelectorAll('.disc')) cell.className = 'disc'
  for (const { player, column, row } of shown) disc(column, row).classList.add(player)
  const last = shown.at(-1)
  if (last !== undefined) disc(last.column, last.row).classList.add('last')
  for (const [column, row] of last?.four ?? []) disc(column, row).classList.add('four')
  $('step-label').textContent = `Move ${step} of ${moves.length}`
  $('no-moves').hidden = moves.length > 0
  showTurn(step)
}

function showTurn (step) {
  const last = moves.at(-1)
  const player = moves.length % 2 === 0 ? 'red' : 'yellow'
  const over = last?.four !== undefined || moves.length === WIDTH * HEIGHT
  const mine = seat?.player === player && seats.has('yellow') && !over
  $('role').textContent = seat === null ? 'You are watching' : `You are ${seat.player}`
  $('join').hidden = seat !== null || seats.has('yellow') || !seats.has('red')
  $('turn').dataset.player = over ? last.player : player
  $('turn').textContent = last?.four ? `${NAMES[last.player]} has won` : over ? 'A draw' : !seats.has('yellow') ? 'Waiting for yellow' : mine ? 'Your turn' : `${NAMES[player]} is to move`
  for (const [column, button] of [...$('board').children].entries()) {
    const discs = moves.filter((move) => move.column === column).length
    button.setAttribute('aria-label', `Column ${column + 1}, ${discs} of ${HEIGHT} discs`)
    button.disabled = !mine || step < moves.length || discs === HEIGHT
  }
}

function disc (column, row) {
  return $('board').children[column].children[HEIGHT - 1 - row]
}

function showProblem (error) {
  $('problem').textContent = error.message
  $('problem').hidden = false
}

$('board').append(...Array.from({ length: WIDTH }, (_, column) => {
  const button = document.createElement('button')
  button.append(...Array.from({ length: HEIGHT }, () => Object.assign(document.createElement('span'), { className: 'disc' })))
  button.addEventListener('click', () => { post(`matches/${id}/moves`, { key: seat.key, column }).catch(showProblem) })
  return button
}))
$('step').addEventListener('input', show)
$('new').addEventListener('click', () => {
  post('matches').then((taken) => {
    take(taken)
    id = taken.id
    history.replaceState(null, '', `#${id}`)
    open()
  }).catch(showProblem)
})
$('join').addEventListener('click', () => {
  post(`matches/${id}/seat`).then((taken) => {
    take(taken)
    show()
  }).catch(showProblem)
})
$('copy').addEventListener('click', () => {
  navigator.clipboard.writeText(location.href).then(() => { $('copy').textContent = 'Copied' }, showProblem)
})
addEventListener('hashchange', () => { location.reload() })
if (id !== '') open()
