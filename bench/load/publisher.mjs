import { connect } from 'node:net'
import { messageText } from './message.mjs'

const shared = Buffer.allocUnsafeSlow(64 * 1_024)

/** Publishes over one keep-alive connection, one request at a time. */
export class Publisher {
  #socket
  #head
  #tail
  #answer = ''
  #answered
  #failed

  /**
   * `channel` may be a list: then a publish is one request with a message for each. `failed(error)` is called when the server refuses
   * or the connection ends.
   */
  constructor (target, channel, failed) {
    const isBatch = Array.isArray(channel)
    const body = isBatch ? batchBody(channel) : requestBody(target, channel)
    this.#head = `POST /send${isBatch ? '' : `/${channel}`} HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\nAuthorization: Bearer ${target.token}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body(0).length}\r\n\r\n`
    this.#tail = body
    this.#failed = failed
    this.#socket = connect({
      host: '127.0.0.1',
      port: target.port,
      noDelay: true,
      onread: { buffer: shared, callback: (length) => this.#read(shared.latin1Slice(0, length)) }
    })
    this.#socket.on('error', (error) => this.#fail(error.message)).on('close', () => this.#fail('connection closed'))
  }

  /** Publishes message number `index`, or the messages from there on; `answered(body)` is called with the body of the answer. */
  publish (index, answered) {
    this.#answered = answered
    this.#socket.write(this.#head + this.#tail(index), 'latin1')
  }

  close () {
    this.#failed = undefined
    this.#socket.destroy()
  }

  #read (text) {
    this.#answer += text
    const headEnd = this.#answer.indexOf('\r\n\r\n')
    if (headEnd === -1) return true
    const length = /^content-length: *(\d+)/im.exec(this.#answer)?.[1]
    const complete = length === undefined ? this.#answer.endsWith('0\r\n\r\n') : this.#answer.length >= headEnd + 4 + Number(length)
    if (!complete) return true
    const answer = this.#answer
    this.#answer = ''
    if (answer.startsWith('HTTP/1.1 20')) this.#answered(answer.slice(headEnd + 4))
    else this.#fail(answer.slice(0, answer.indexOf('\r\n')))
    return true
  }

  #fail (why) {
    this.#failed?.(new Error(`publisher: ${why}`))
    this.#failed = undefined
  }
}

// A server that relays the body as it is gets what the others send to their subscribers.
function requestBody (target, channel) {
  return target.envelope === 'publisher'
    ? (index) => `{"channel":"${channel}","message":${messageText(index)}}`
    : (index) => `{"message":${messageText(index)}}`
}

function batchBody (channels) {
  return (index) => `{"messages":[${channels.map((channel, offset) => `{"channel":"${channel}","message":${messageText(index + offset)}}`).join(',')}]}`
}
