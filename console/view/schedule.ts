const due = new Set<() => void>()

/**
 * Has a function called before the next frame is drawn, once however often it is asked for: a busy channel delivers more often
 * than a screen can show. Nothing is called while the page is hidden.
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
