import { drawArc, drawLine, format, POINTS } from './chart.js'

const $ = (id) => document.getElementById(id)
const dirty = new Set()
let paused = false

/** Draws what has changed since the last frame, each tile once, however many messages came. */
function draw () {
  if (!paused) {
    for (const redraw of dirty) redraw()
    dirty.clear()
  }
  requestAnimationFrame(draw)
}

function tile (template, list, channel) {
  const item = $(template).content.firstElementChild.cloneNode(true)
  item.querySelector('h3').textContent = channel.slice(channel.indexOf(':') + 1)
  $(list).append(item)
  return item
}

function addPrice (channel) {
  const item = tile('price', 'prices', channel)
  const values = []
  const redraw = () => {
    const change = (values.at(-1) / values[0] - 1) * 100
    item.querySelector('b').textContent = format(values.at(-1))
    item.querySelector('.change').textContent = `${change < 0 ? '−' : '+'}${Math.abs(change).toFixed(2)} %`
    item.dataset.trend = change < 0 ? 'down' : 'up'
    drawLine(item.querySelector('svg'), values)
  }
  connectToChannel(channel, (price) => {
    values.push(price)
    if (values.length > POINTS) values.shift()
    dirty.add(redraw)
  }, { since: 'earliest', onState: showState })
}

function addGauge (channel) {
  const item = tile('gauge', 'gauges', channel)
  let value
  const redraw = () => {
    item.querySelector('b').textContent = value
    item.dataset.level = value > 85 ? 'high' : 'usual'
    drawArc(item.querySelector('svg'), value)
  }
  connectToChannel(channel, (message) => {
    value = message
    dirty.add(redraw)
  }, { since: 'earliest' })
}

// They share the connection, so the state of one is that of all.
function showState (state) {
  $('state').dataset.state = state
  $('state').textContent = state === 'open' ? 'Live' : 'Connecting'
}

$('pause').addEventListener('click', () => {
  paused = !paused
  $('pause').setAttribute('aria-pressed', String(paused))
})

async function start () {
  const { prices, gauges } = await (await fetch('channels')).json()
  // In one task, so that one URL has all of them.
  gauges.forEach(addGauge)
  prices.forEach(addPrice)
  $('count').textContent = `${prices.length + gauges.length} channels, one connection`
  draw()
}

start()
