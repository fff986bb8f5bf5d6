import { isatty } from 'node:tty'

/** What ends a service; `SIGUSR2` is how nodemon does it, `SIGBREAK` Ctrl+Break of Windows. */
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGUSR2', 'SIGBREAK']
/** A terminal, or a manager that ends a group of processes, signals npm as well, which passes it on: so the same wish comes twice. */
const SAME_WISH_MS = 1_000

/** What is done. */
export interface SignalPorts {
  /** Called for the first signal. */
  readonly close: (signal: NodeJS.Signals) => void
  /** Called for a later one: somebody does not want to wait. */
  readonly abort: (signal: NodeJS.Signals) => void
}

/**
 * Listens for the signals that end the process. The end of a terminal (`SIGHUP`) is one only for a process that has a terminal:
 * `nohup` takes it away, and means that the process is to stay.
 */
export function onSignals ({ close, abort }: SignalPorts, hasTerminal: () => boolean = () => [0, 1, 2].some((stream) => isatty(stream))): void {
  let closingSince: number | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = performance.now()
    if (closingSince === undefined) {
      closingSince = now
      close(signal)
    } else if (now - closingSince > SAME_WISH_MS) {
      abort(signal)
    }
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  process.on('SIGHUP', hasTerminal() ? onSignal : () => {})
  // How pm2 says it where there are no signals.
  process.on('message', (message) => { if (message === 'shutdown') onSignal('SIGTERM') })
}
