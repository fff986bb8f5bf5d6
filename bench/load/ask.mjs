/** Asks a target for a path, with its token; resolves to the text of the answer and rejects where that is no success. */
export async function ask ({ port, token }, path, { headers, ...init } = {}) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...headers } })
  const text = await response.text()
  if (!response.ok) throw new Error(`${path} was answered with ${response.status} ${text}`)
  return text
}
