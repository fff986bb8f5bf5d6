const READY_TIMEOUT_MS = 1_000

/** Why the instance at a port of this machine does not serve now; `undefined` where it does. */
export async function whyNotReady (port) {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/-/ready`, { headers: { connection: 'close' }, signal: AbortSignal.timeout(READY_TIMEOUT_MS) })
    const text = await response.text()
    return response.ok ? undefined : JSON.parse(text).reason ?? text
  } catch (error) {
    return error.cause?.code ?? error.message
  }
}
