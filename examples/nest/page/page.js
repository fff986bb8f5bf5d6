const $ = (id) => document.getElementById(id)

// Stands for a login.
document.cookie = 'user=anna; path=/; samesite=lax'

connectToChannel('orders:anna', ({ order, item }) => {
  $('orders').prepend(Object.assign(document.createElement('li'), { textContent: `${order}: ${item}` }))
}, {
  since: 'earliest',
  onState: (state) => {
    $('state').dataset.state = state
    $('state').textContent = state === 'open' ? 'Live' : 'Connecting'
  }
})

$('order').addEventListener('submit', async (event) => {
  event.preventDefault()
  const body = JSON.stringify({ item: $('item').value })
  const { ok } = await fetch('orders', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  if (ok) $('item').value = ''
})
