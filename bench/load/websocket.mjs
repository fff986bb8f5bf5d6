import { Subscriber } from './subscriber.mjs'

const TEXT = 1
const CLOSE = 8
const PING = 9
const PONG = 10
const HEADERS = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'

/** A WebSocket subscriber that understands what servers send: unfragmented text, pings, closes (RFC 6455, section 5). */
export class WebSocketSubscriber extends Subscriber {
  constructor (target, sink, { channel, since, localAddress }) {
    const path = target.protocol === 'socket.io'
      ? `/socket.io/?EIO=4&transport=websocket&channel=${channel}`
      : `/${channel}${since === undefined ? '' : `?since=${since}`}`
    super(target, sink, { path, headers: HEADERS, status: 101, localAddress })
  }

  opened () {
    this.becomeReady()
  }

  /** Handles the complete frames of `buffer` from `at` on; returns where the incomplete one begins. */
  parse (buffer, at, now) {
    const end = buffer.length
    while (at + 2 <= end) {
      let start = at + 2
      let length = buffer[at + 1]
      if (length === 126) {
        if (at + 4 > end) break
        length = buffer.readUInt16BE(at + 2)
        start = at + 4
      } else if (length === 127) {
        if (at + 10 > end) break
        length = Number(buffer.readBigUInt64BE(at + 2))
        start = at + 10
      }
      if (start + length > end) break
      if (buffer[at] === (0x80 | TEXT)) this.text(buffer, start, start + length, now)
      else this.#control(buffer[at] & 0x7f, buffer.subarray(start, start + length), buffer[at])
      at = start + length
      if (this.sink === undefined) return end
    }
    return at
  }

  text (buffer, start, end, now) {
    this.sink?.message(this, buffer, start, end, now)
  }

  /** Sends a frame, masked as a client must; a mask of zeros leaves the payload as it is. */
  send (opcode, payload) {
    this.socket.write(Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]))
  }

  sendText (text) {
    this.send(TEXT, Buffer.from(text))
  }

  /** Ends the connection with a close handshake; the sink is told when the server has closed. */
  close () {
    this.send(CLOSE, Buffer.from([0x03, 0xe8]))
  }

  #control (opcode, payload, firstByte) {
    if (opcode === PING) {
      this.send(PONG, payload)
    } else if (opcode === CLOSE) {
      this.fail(`closed with ${payload.length < 2 ? 1005 : payload.readUInt16BE(0)} ${payload.subarray(2).toString()}`)
    } else if (opcode !== PONG) {
      this.fail(`unexpected frame, first byte ${firstByte}`)
    }
  }
}

const DIGIT_0 = 0x30

/** A Socket.IO subscriber on the bare WebSocket transport: Engine.IO 4 packets are text that begins with the packet type. */
export class SocketIoSubscriber extends WebSocketSubscriber {
  opened () {
    // Ready only once the namespace is joined.
  }

  text (buffer, start, end, now) {
    const type = buffer[start] - DIGIT_0
    const kind = buffer[start + 1] - DIGIT_0
    if (type === 4 && kind === 2) super.text(buffer, start, end, now)
    else if (type === 0) this.sendText('40')
    else if (type === 2) this.sendText('3')
    else if (type === 4 && kind === 0) this.becomeReady()
    else this.fail(`unexpected packet ${buffer.toString('utf8', start, end)}`)
  }
}
