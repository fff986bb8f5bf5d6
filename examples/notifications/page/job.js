const $ = (id) => document.getElementById(id)

connectToChannel('jobs', (result, { time }) => {
  const { user, title, by } = result
  const item = $('result').content.firstElementChild.cloneNode(true)
  const outcome = item.querySelector('.outcome')
  outcome.classList.add(by)
  outcome.textContent = by === 'page' ? 'Received' : 'E-mailed'
  item.querySelector('b').textContent = `${user}: ${title}`
  item.querySelector('.text').textContent = by === 'page'
    ? `The receipt came after ${result.ms} ms, on ${result.connections} ${result.connections === 1 ? 'connection' : 'connections'}`
    : `No receipt, so it went to ${result.to} as well`
  item.querySelector('time').textContent = new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' })
  $('results').prepend(item)
}, { since: 'earliest' })

$('job').addEventListener('submit', async (event) => {
  event.preventDefault()
  $('run').disabled = true
  $('run').textContent = 'Waiting'
  try {
    const body = JSON.stringify({ user: $('user').value, notice: $('notice').value })
    const answer = await fetch('jobs', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    if (!answer.ok) throw new Error((await answer.json()).message)
    $('problem').hidden = true
  } catch (error) {
    $('problem').textContent = error.message
    $('problem').hidden = false
  }
  $('run').disabled = false
  $('run').textContent = 'Run'
  $('run').focus()
})
