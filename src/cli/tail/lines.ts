/** The lines of a stream of bytes, without their ends. A last line without an end is not complete, and left out. */
export async function * linesOf (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let parts: string[] = []
  for await (const chunk of chunks) {
    const [first = '', ...rest] = decoder.decode(chunk, { stream: true }).split('\n')
    parts.push(first)
    for (const text of rest) {
      yield parts.join('')
      parts = [text]
    }
  }
}
