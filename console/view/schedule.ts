const due = new Set<() => void>()

/**
 * Calls a function before the next frame, once for any number of requests: a busy channel delivers more often than a screen can
 * show. Nothing is called while the page is hidden.
 */
export function schedule (draw: () => void): void {
  if (due.size === 0) requestAnimationFrame(flush)
  due.add(draw)
}

function flush (): void {
  const draws = [...due]
  due.clear()
  for (const draw of draws) draw()
}
