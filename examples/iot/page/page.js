const $ = (id) => document.getElementById(id)
const POINTS = 40
const SILENT_MS = 5_000
/** What the page knows of each device, by its id. */
const board = new Map()

/** Adds a device to the board, or takes a change of it. */
function takeDevice (device) {
  const known = board.get(device.id)
  if (known !== undefined) {
    known.device = device
    showStatus(known)
    return
  }
  const item = $('device').content.firstElementChild.cloneNode(true)
  item.querySelector('h2').textContent = device.name
  item.querySelector('.range').textContent = `${device.min} to ${device.max} °C`.replace('-', '−')
  item.querySelector('.revoke').setAttribute('aria-label', `Revoke the key of ${device.name}`)
  item.querySelector('.revoke').addEventListener('click', () => { revoke(device).catch(showProblem) })
  const sensor = { device, item, values: [], time: undefined, status: undefined }
  board.set(device.id, sensor)
  $('board').append(item)
  showStatus(sensor)
  connectToChannel(`sensor:${device.id}`, (reading, { time }) => { takeReading(sensor, reading, time) }, { since: 'earliest', onState: showState })
}

function takeReading (sensor, { temperature, humidity, battery }, time) {
  const { item, values } = sensor
  if (typeof temperature !== 'number') return
  values.push(temperature)
  if (values.length > POINTS) values.shift()
  sensor.time = time
  item.querySelector('b').textContent = temperature.toFixed(1)
  showMeter(item.querySelector('.humidity'), humidity)
  showMeter(item.querySelector('.battery'), battery)
  drawChart(sensor)
  showStatus(sensor)
}

function showMeter (meter, value) {
  if (typeof value !== 'number') return
  meter.value = value
  meter.textContent = meter.nextElementSibling.textContent = `${value} %`
}

/** The last minute as a line, and behind it the range in which it should be. */
function drawChart ({ item, values, device: { min, max, name } }) {
  const least = Math.min(...values) - 0.5
  const most = Math.max(...values) + 0.5
  const y = (value) => Math.min(Math.max(36 - (value - least) / (most - least) * 36, 0), 36)
  const points = values.map((value, index) => `${(120 - (values.length - 1 - index) * 120 / (POINTS - 1)).toFixed(1)} ${y(value).toFixed(1)}`)
  item.querySelector('path').setAttribute('d', `M${points.join('L')}`)
  const rect = item.querySelector('rect')
  rect.setAttribute('y', y(max))
  rect.setAttribute('height', y(min) - y(max))
  item.querySelector('svg').setAttribute('aria-label', `${name}: from ${Math.min(...values)} to ${Math.max(...values)} °C within the last readings`)
}

function showStatus (sensor) {
  const { device: { name, min, max, revoked }, item, values, time } = sensor
  const last = values.at(-1)
  const outside = last < min || last > max
  const silent = time !== undefined && Date.now() - time > SILENT_MS
  const status = revoked ? 'Revoked' : silent ? 'Silent' : last === undefined ? 'No reading yet' : outside ? 'Out of range' : 'Good'
  if (status === sensor.status) return
  if (sensor.status !== undefined) $('alarm').textContent = `${name}: ${status}`
  sensor.status = status
  item.dataset.status = revoked ? 'revoked' : silent ? 'silent' : last === undefined ? 'none' : outside ? 'outside' : 'good'
  item.querySelector('.status').textContent = status
  item.querySelector('.revoke').disabled = revoked
}

async function post (url, body) {
  const answer = await fetch(url, { method: 'POST', ...body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } })
  if (!answer.ok) throw new Error((await answer.json()).message)
  $('problem').hidden = true
  return await answer.json()
}

async function revoke ({ id }) {
  takeDevice(await post(`devices/${id}/revoke`))
}

$('add').addEventListener('submit', (event) => {
  event.preventDefault()
  post('devices', { name: $('name').value.trim() }).then(({ id, key }) => {
    $('name').value = ''
    $('made').hidden = false
    $('made-channel').textContent = `sensor:${id}`
    $('command').textContent = `curl ${location.origin}/rt/send/sensor:${id} \\
  -H 'Authorization: Bearer ${key}' \\
  -H 'Content-Type: application/json' \\
  -d '{"message": {"temperature": 21.5, "humidity": 40, "battery": 90}}'`
  }).catch(showProblem)
})

function showProblem (error) {
  $('problem').textContent = error.message
  $('problem').hidden = false
}

// All channels share one connection, so the state of one is that of all.
function showState (state) {
  $('state').dataset.state = state
  $('state').textContent = state === 'open' ? 'Live' : 'Connecting'
}

async function takeDevices () {
  for (const device of await (await fetch('devices')).json()) takeDevice(device)
}

// Changes first, the list once they are followed: what happens in between is in one of the two, and twice is harmless.
connectToChannel('devices', takeDevice, {
  onOpen: () => { takeDevices().catch(showProblem) },
  onGap: () => { takeDevices().catch(showProblem) }
})
setInterval(() => { for (const sensor of board.values()) showStatus(sensor) }, 1_000)
