// Makes screenshots small: of a PNG with eight bits a channel, one with a palette of its 256 most frequent colours.
import { crc32, deflateSync, inflateSync } from 'node:zlib'

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex')
const COLOURS = 256

/** The chunks of a PNG by name; those of one name are joined. */
function chunksOf (png) {
  const chunks = new Map()
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = png.readUInt32BE(at)
    const name = png.toString('latin1', at + 4, at + 8)
    chunks.set(name, Buffer.concat([chunks.get(name) ?? Buffer.alloc(0), png.subarray(at + 8, at + 8 + length)]))
    at += 12 + length
  }
  return chunks
}

/** The pixels as numbers, row by row, with the filters of the rows undone. */
function pixelsOf (png) {
  const chunks = chunksOf(png)
  const header = chunks.get('IHDR')
  const [width, height, size] = [header.readUInt32BE(0), header.readUInt32BE(4), header[9] === 6 ? 4 : 3]
  const data = inflateSync(chunks.get('IDAT'))
  const stride = width * size
  let above = Buffer.alloc(stride)
  const pixels = []
  for (let y = 0; y < height; y++) {
    const filter = data[y * (stride + 1)]
    const row = Buffer.from(data.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1)))
    for (let x = 0; x < stride; x++) {
      const [left, up, corner] = [row[x - size] ?? 0, above[x], above[x - size] ?? 0]
      row[x] += [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]
    }
    for (let x = 0; x < stride; x += size) pixels.push(row.readUIntBE(x, 3))
    above = row
  }
  return { width, height, pixels }
}

function paeth (left, up, corner) {
  const [toLeft, toUp, toCorner] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)]
  return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner
}

function distance (a, b) {
  return [16, 8, 0].reduce((sum, shift) => sum + ((a >> shift & 255) - (b >> shift & 255)) ** 2, 0)
}

function chunk (name, data) {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

/** The picture with a palette; colours that are not in it become the nearest that are. */
export function withPalette (png) {
  const { width, height, pixels } = pixelsOf(png)
  const counts = new Map()
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1)
  const palette = [...counts].sort(([, a], [, b]) => b - a).slice(0, COLOURS).map(([colour]) => colour)
  const indices = new Map(palette.map((colour, index) => [colour, index]))
  for (const colour of counts.keys()) {
    const nearest = (best, other, index) => distance(colour, other) < distance(colour, palette[best]) ? index : best
    if (!indices.has(colour)) indices.set(colour, palette.reduce(nearest, 0))
  }
  const rows = Buffer.alloc((width + 1) * height)
  pixels.forEach((pixel, at) => { rows[at + Math.floor(at / width) + 1] = indices.get(pixel) })
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 3], 8)
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, colour >> 8 & 255, colour & 255]))
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('PLTE', colours), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))])
}
