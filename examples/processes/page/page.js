const $ = (id) => document.getElementById(id)

connectToChannel('processes', ({ by }, { id }) => {
  $('messages').prepend(Object.assign(document.createElement('li'), { textContent: `Message ${id.split(':')[1]}, of process ${by}` }))
}, {
  since: 'earliest',
  onState: (state) => {
    $('state').dataset.state = state
    $('state').textContent = state === 'open' ? 'Live' : 'Connecting'
  }
})

$('publish').addEventListener('click', () => { fetch('publish', { method: 'POST' }) })
